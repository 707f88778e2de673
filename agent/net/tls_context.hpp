// What one way to a peer needs for TLS: the trusted authorities, our certificate, the rules. Built
// from files; OpenSSL and Asio's SSL headers stay in the .cpp's.
#pragma once

#include <memory>

#include "agent/net/access.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"

namespace boost::asio::ssl {
class context;
}

namespace doctor {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// TLS 1.2 or later. `access` may be null: the system's authorities, no certificate. Errors name
/// the file: those of read_small_file, or tls (no certificate in it, key of another certificate).
Result<TlsContext> make_tls_context(const HttpAccess* access, const Limits& limits);

}  // namespace doctor
