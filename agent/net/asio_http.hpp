// Http over Asio: one exchange, one deadline over resolve, connect, send and receive. Beast parses
// the head only; bodies are read into fixed windows, de-chunked, gunzipped and pushed into the
// sink.
#pragma once

#include <memory>

#include "agent/net/resolver.hpp"
#include "collectors/http.hpp"
#include "model/limits.hpp"

namespace doctor {

std::unique_ptr<Http> make_asio_http(Resolver& resolver, const Limits& limits);

}  // namespace doctor
