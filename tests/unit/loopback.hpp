// Raw sockets on loopback for tests of the network code: a server that runs a script for every
// connection, and a client that says exactly what it is told.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace doctor::loopback {

inline sockaddr_in address(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

/// One end of a connection. Reads give up after ten seconds.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  Peer& operator=(Peer&&) = delete;
  ~Peer() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// False when nothing came: end, reset or ten seconds.
  bool receive(std::string& into) const {
    pollfd ready{fd_, POLLIN, 0};
    char window[4096];
    if (::poll(&ready, 1, 10'000) <= 0) return false;
    const ssize_t count = ::recv(fd_, window, sizeof(window), 0);
    if (count <= 0) return false;
    into.append(window, static_cast<std::size_t>(count));
    return true;
  }
  std::string receive_until(std::string_view mark) const {
    std::string text;
    while (text.find(mark) == std::string::npos && receive(text)) {
    }
    return text;
  }
  std::string receive_all() const {
    std::string text;
    while (receive(text)) {
    }
    return text;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// From an address of 127/8.
inline Peer connect(std::uint16_t port, const char* from = "127.0.0.1") {
  Peer peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in own = address(0);
  ::inet_pton(AF_INET, from, &own.sin_addr);
  static_cast<void>(::bind(peer.fd(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)));
  const sockaddr_in to = address(port);
  static_cast<void>(::connect(peer.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
  return peer;
}

/// Runs `script` on a thread for every connection; the connection ends with it.
class ScriptServer {
 public:
  using Script = std::function<void(const Peer&)>;

  explicit ScriptServer(Script script)
      : script_(std::move(script)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at = address(0);
    socklen_t size = sizeof(at);
    static_cast<void>(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), size));
    static_cast<void>(::listen(fd_, 64));
    static_cast<void>(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size));
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;
  ~ScriptServer() {
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    ::close(fd_);
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] {
        const Peer peer(fd);
        script_(peer);
        const std::lock_guard again(mutex_);
        std::erase(open_, fd);
      });
    }
  }

  Script script_;
  int fd_;
  std::uint16_t port_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A port nobody listens on, most likely.
inline std::uint16_t unused_port() {
  const ScriptServer brief([](const Peer&) {});
  return brief.port();
}

}  // namespace doctor::loopback
