// A Kubernetes API server on loopback that does what the test says: what it lists, what each watch
// in turn gets, whom it lets in. Plain HTTP; its sockets' threads share what a mutex guards.
#pragma once

#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/loopback.hpp"

namespace doctor {

class FakeApiServer {
 public:
  using Script = std::function<void(const loopback::Peer&)>;
  struct Asked {
    std::string target;
    std::string head;
  };

  FakeApiServer() : server_([this](const loopback::Peer& peer) { serve(peer); }) {}

  std::uint16_t port() const { return server_.port(); }

  /// What the next list gets; the last one is repeated.
  void lists(Script script) { add(lists_, std::move(script)); }
  void lists(const std::string& body, int status = 200) { lists(answers(body, status)); }
  /// What the next watch gets; after the last one watches hang.
  void watches(Script script) { add(watches_, std::move(script)); }
  /// Lines that come at once, then the connection is cut, ended well, or hangs.
  enum class Then { cut, end, hang };
  void watches(std::vector<std::string> lines, Then then) {
    watches([lines = std::move(lines), then](const loopback::Peer& peer) {
      begin_watch(peer);
      for (const std::string& line : lines) send_chunk(peer, line + "\n");
      if (then == Then::end) peer.send("0\r\n\r\n");
      if (then == Then::hang) peer.receive_all();
    });
  }
  void deployments(const std::string& body, int status) {
    const std::lock_guard lock(mutex_);
    deployments_ = answers(body, status);
  }
  /// Somebody has said what a FlinkDeployment is; until then nobody has.
  void defines_deployments() {
    const std::lock_guard lock(mutex_);
    group_ = answers("{}", 200);
  }
  void events(const std::string& body) {
    const std::lock_guard lock(mutex_);
    events_ = answers(body, 200);
  }
  /// Others get 401.
  void lets_in(const std::string& token) {
    const std::lock_guard lock(mutex_);
    token_ = token;
  }

  std::vector<std::string> asked(const std::string& part = "") const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> targets;
    for (const Asked& one : asked_) {
      if (one.target.find(part) != std::string::npos) targets.push_back(one.target);
    }
    return targets;
  }

  static Script answers(const std::string& body, int status) {
    return [body, status](const loopback::Peer& peer) {
      peer.send("HTTP/1.1 " + std::to_string(status) +
                " Said\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    };
  }
  static void begin_watch(const loopback::Peer& peer) {
    peer.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
  }
  static void send_chunk(const loopback::Peer& peer, const std::string& text) {
    char size[32];
    std::snprintf(size, sizeof(size), "%zx\r\n", text.size());
    peer.send(size + text + "\r\n");
  }

 private:
  void add(std::deque<Script>& scripts, Script script) {
    const std::lock_guard lock(mutex_);
    scripts.push_back(std::move(script));
  }

  void serve(const loopback::Peer& peer) {
    const std::string head = peer.receive_until("\r\n\r\n");
    const std::size_t begin = head.find(' ');
    if (begin == std::string::npos) return;
    const std::string target = head.substr(begin + 1, head.find(' ', begin + 1) - begin - 1);
    next(target, head)(peer);
  }

  Script next(const std::string& target, const std::string& head) {
    const std::lock_guard lock(mutex_);
    asked_.push_back({target, head});
    if (!token_.empty() && head.find("Authorization: Bearer " + token_ + "\r\n") == head.npos) {
      return answers(R"({"kind":"Status","message":"Unauthorized","code":401})", 401);
    }
    if (target.find("/flinkdeployments") != target.npos) return deployments_;
    if (target.ends_with("/flink.apache.org/v1beta1")) return group_;
    if (target.find("/events?") != target.npos) return events_;
    if (target.find("watch=true") != target.npos) {
      if (watches_.empty()) {
        return [](const loopback::Peer& peer) {
          begin_watch(peer);
          peer.receive_all();
        };
      }
      Script script = watches_.front();
      watches_.pop_front();
      return script;
    }
    if (lists_.empty()) return answers("{}", 500);
    Script script = lists_.front();
    if (lists_.size() > 1) lists_.pop_front();
    return script;
  }

  mutable std::mutex mutex_;
  std::deque<Script> lists_, watches_;
  Script events_{answers(R"({"kind":"Status","code":403})", 403)};
  Script deployments_{answers(R"({"kind":"Status","code":404})", 404)};
  Script group_{answers("{}", 404)};
  std::string token_;
  std::vector<Asked> asked_;
  loopback::ScriptServer server_;  // last: its threads use the others
};

}  // namespace doctor
