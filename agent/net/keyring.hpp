// What exchanges show and trust, ready for use: read from files on demand, kept, and read again
// when a file changes, so that tokens and certificates can be rotated under us. Loop thread only.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/net/small_file.hpp"
#include "agent/net/tls_context.hpp"
#include "collectors/http.hpp"
#include "model/limits.hpp"
#include "model/secret.hpp"

namespace doctor {

struct Credentials {
  TlsContext tls;  // null: plain HTTP
  Secret headers;  // whole lines, each with its CR LF
};

class Keyring {
 public:
  explicit Keyring(const Limits& limits) : limits_(limits) {}

  /// Errors name the file and say what is wrong with it, never what is in it. While files are being
  /// replaced (certificate before key, token missing for a moment) the former ones still serve, for
  /// up to half a minute.
  Result<Credentials> credentials(const Endpoint& endpoint);

 private:
  using Clock = std::chrono::steady_clock;
  using Stamps = std::vector<std::optional<FileStamp>>;
  struct Entry {
    std::shared_ptr<const HttpAccess> access;  // keeps its address, the key, from being used again
    Clock::time_point checked_at{};
    Stamps stamps{};
    Result<Credentials> current{Error{}};
    std::optional<Credentials> former{};  // the last that was good
    std::optional<Clock::time_point> failing_since{};
  };
  void refresh(Entry& entry, bool tls, Clock::time_point now) const;

  Limits limits_;
  std::map<std::pair<const HttpAccess*, bool>, Entry> entries_;  // by access, and whether with TLS
};

}  // namespace doctor
