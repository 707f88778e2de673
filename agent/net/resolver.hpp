// Names to addresses, off the loop, by threads that can be abandoned: a getaddrinfo that hangs must
// delay neither a deadline nor the shutdown. Literals are answered at once; last good addresses are
// kept and used when a later look-up fails or hangs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor {

class Resolver {
 public:
  using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;
  /// getaddrinfo's job; tests put a hanging one here.
  using Lookup = std::function<Result<Addresses>(const std::string& host, std::uint16_t port)>;

  explicit Resolver(const Limits& limits, Lookup lookup = system_lookup);
  ~Resolver();  // never waits for a look-up that hangs

  boost::asio::awaitable<Result<Addresses>> resolve(std::string host, std::uint16_t port);
  static Result<Addresses> system_lookup(const std::string& host, std::uint16_t port);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace doctor
