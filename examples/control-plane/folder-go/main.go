// Keeps the backends of one upstream in step with a folder: a file's name is the id, its text the
// address. It remembers nothing: whenever anything may have changed it sends the full list, which
// has no effect if nothing differs, so it needs no request id.
//
//	go generate && go run . CONTROL UPSTREAM FOLDER
package main

//go:generate buf generate ../../.. --template buf.gen.yaml --path ../../../proto/sentinel/v1

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	sentinel "folder/gen/sentinel/v1"
)

const pause = time.Second // between looks at the folder, and after a failure

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: folder CONTROL UPSTREAM FOLDER")
	}
	often := backoff.Config{BaseDelay: pause, Multiplier: 1, MaxDelay: pause}
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: often}))
	if err != nil {
		log.Fatal(err)
	}
	client, upstream, folder := sentinel.NewControlServiceClient(conn), os.Args[2], os.Args[3]
	changed := make(chan struct{}, 1) // many changes are one reason to look
	go follow(client, changed)
	for sent := "never"; ; {
		if err := sync(client, upstream, folder, &sent); err != nil {
			log.Print(err)
		}
		select {
		case <-changed:
			sent = "never"
		case <-time.After(pause):
		}
	}
}

// Sends what the folder says, if that is not what was sent.
func sync(client sentinel.ControlServiceClient, upstream, folder string, sent *string) error {
	files, err := os.ReadDir(folder)
	seen, backends := "", []*sentinel.Backend{}
	for _, file := range files {
		id := file.Name()
		text, failure := os.ReadFile(filepath.Join(folder, id))
		if failure != nil {
			return failure
		}
		address := strings.TrimSpace(string(text))
		backends = append(backends, &sentinel.Backend{Id: id, Address: &address})
		seen += fmt.Sprintf("%q %q\n", id, address)
	}
	if err != nil || seen == *sent {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := client.ReplaceBackends(ctx, &sentinel.ReplaceBackendsRequest{
		Upstream: upstream, Backends: backends, Options: &sentinel.CommitOptions{Reason: "folder"}})
	if err != nil {
		return err
	}
	if answer.GetResult().GetChanged() {
		fmt.Printf("revision %d: %d backends\n", answer.GetResult().GetRevision(), len(backends))
	}
	*sent = seen
	return nil
}

// Says when the backends may have changed: at each change to any, and when a watch begins, perhaps
// in another life of Sentinel.
func follow(client sentinel.ControlServiceClient, changed chan<- struct{}) {
	kinds := []sentinel.ResourceKind{sentinel.ResourceKind_RESOURCE_KIND_BACKEND}
	for ; ; time.Sleep(pause) {
		stream, err := client.WatchChanges(context.Background(), &sentinel.WatchChangesRequest{Kinds: kinds})
		for err == nil {
			_, err = stream.Recv() // also a heartbeat now and then: looking costs nothing
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}
}
