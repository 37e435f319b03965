"""A control plane in Python that knows nothing but the address: the API comes by reflection."""

import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

channel = grpc.insecure_channel(sys.argv[1])
pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
service = pool.FindServiceByName("sentinel.v1.ControlService")


def message(name, **fields):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"sentinel.v1.{name}"))(**fields)


def method(name, kind=channel.unary_unary):
    found = service.FindMethodByName(name)
    answer = message_factory.GetMessageClass(found.output_type)
    return kind(
        f"/sentinel.v1.ControlService/{name}",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=answer.FromString,
    )


def action(effect):
    return effect.DESCRIPTOR.fields_by_name["action"].enum_type.values_by_number[effect.action].name


watch = method("WatchChanges", channel.unary_stream)(message("WatchChangesRequest"))
assert next(watch).WhichOneof("event") == "heartbeat"

backend = message("Backend", id="p1", address="10.0.0.5:8080")
result = method("AddBackend")(message("AddBackendRequest", upstream="api", backend=backend)).result
print("added:", action(result.effects[0]), result.effects[0].id)

try:
    method("AddBackend")(message("AddBackendRequest", upstream="apj", backend=backend))
except grpc.RpcError as error:
    print("refused:", error.code().name, error.details())
    for detail in rpc_status.from_call(error).details:
        request = error_details_pb2.BadRequest()
        if detail.Unpack(request):
            for violation in request.field_violations:
                print("violation:", violation.field, violation.reason)

method("RemoveBackend")(message("RemoveBackendRequest", upstream="api", backend_id="p1"))
for event in watch:
    effect = event.change.change.effects[0]
    if action(effect) == "ACTION_REMOVED":
        print("watched:", action(effect), effect.id)
        break
watch.cancel()
