// Http over Asio: one exchange, one deadline over resolve, connect, TLS handshake, send and
// receive. Connections are kept for the next GET to the same peer (idle_wires.hpp). What an
// endpoint's access asks for is shown and verified (keyring.hpp, wire.hpp). Beast
// parses the head only; bodies are read into fixed windows, de-chunked, gunzipped and pushed into
// the sink.
#pragma once

#include <memory>

#include "agent/net/resolver.hpp"
#include "collectors/http.hpp"
#include "model/limits.hpp"

namespace doctor {

/// The loop outlives it, unless no exchange came to its end.
std::unique_ptr<Http> make_asio_http(Resolver& resolver, const Limits& limits);

}  // namespace doctor
