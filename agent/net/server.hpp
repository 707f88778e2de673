// Inbound HTTP: Beast on its own thread, total deadlines, caps on connections and bytes, one
// immutable body shared by all readers. Knows nothing of what it serves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor {

struct InboundRequest {
  std::string method;  // GET, HEAD or POST; others are refused before the handler
  std::string path;    // decoded, without query; "..", "//" and NUL were refused already
  std::string query;   // raw
  std::string body;    // POST, at most a few KiB
};

struct InboundResponse {
  int status{200};
  std::string content_type{"text/plain; charset=utf-8"};
  std::shared_ptr<const std::string> body;
};

using InboundHandler = std::function<InboundResponse(const InboundRequest&)>;

class Server {
 public:
  /// Binds and serves on a thread of its own. Port 0 picks one; see port().
  static Result<std::unique_ptr<Server>> start(const std::string& host, std::uint16_t port,
                                               const Limits& limits, InboundHandler handler);
  virtual ~Server() = default;  // stops listening, closes what is open, joins
  virtual std::uint16_t port() const = 0;
};

}  // namespace doctor
