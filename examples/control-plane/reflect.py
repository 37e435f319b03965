"""What the Python examples share: the API by reflection, so that no generated code is needed.

Needs grpcio, grpcio-reflection and grpcio-status.
"""

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status


def reason_of(error):
    """The reason of a refusal, for example "stale_revision"; "" if Sentinel was not reached."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in status.details if detail.Unpack(info)), "") if status else ""


class Sentinel:
    """One Sentinel's control API: `address` is "127.0.0.1:9901" or "unix:/path/control.sock"."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        self.service = self.pool.FindServiceByName("sentinel.v1.ControlService")

    def message(self, name, **fields):
        """A message of sentinel.v1."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"sentinel.v1.{name}"))(**fields)

    def call(self, name, **fields):
        """Makes one call; raises grpc.RpcError."""
        return self._method(name, self.channel.unary_unary)(self.message(f"{name}Request", **fields), timeout=30)

    def stream(self, name, **fields):
        """Opens a stream of answers."""
        return self._method(name, self.channel.unary_stream)(self.message(f"{name}Request", **fields))

    def _method(self, name, kind):
        found = self.service.FindMethodByName(name)
        answer = message_factory.GetMessageClass(found.output_type)
        return kind(
            f"/sentinel.v1.ControlService/{name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=answer.FromString,
        )
