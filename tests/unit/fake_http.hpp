// An Http that answers from a script: path (with or without its query) → replies, the last of which
// is repeated. What is not scripted is answered like an unknown path by Flink.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/http.hpp"

namespace doctor {

struct FakeReply {
  int status{200};
  std::string body;
  std::optional<Error> error{};  // instead of an answer
  bool hangs{false};             // until the coroutine is cancelled
  int takes_ms{0};
};

class FakeHttp final : public Http {
 public:
  std::map<std::string, std::deque<FakeReply>> script;
  std::map<std::string, FakeReply> by_host;  // answers everything of that host
  std::vector<HttpRequest> requests;
  std::function<void(const HttpRequest&, const HttpCaps&)> on_request;

  void put(const std::string& target, FakeReply reply) { script[target] = {std::move(reply)}; }
  void put(const std::string& target, std::string body, int status = 200) {
    put(target, FakeReply{status, std::move(body)});
  }
  int asked(const std::string& target) const {
    int count = 0;
    for (const HttpRequest& request : requests) {
      count += request.target == target || path_of(request.target) == target ? 1 : 0;
    }
    return count;
  }

  boost::asio::awaitable<Result<HttpReply>> exchange(HttpRequest request, BodySink& sink,
                                                     HttpCaps caps) override {
    requests.push_back(request);
    if (on_request) on_request(request, caps);
    const FakeReply reply = next(request);
    if (reply.hangs) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_at(boost::asio::steady_timer::time_point::max());
      boost::system::error_code ignored;
      co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
      co_return Error{ErrorCode::cancelled, "cancelled"};
    }
    if (reply.takes_ms > 0) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      timer.expires_after(std::chrono::milliseconds(reply.takes_ms));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    if (reply.error) co_return *reply.error;
    HttpReply head;
    head.status = reply.status;
    head.content_type = "application/json";
    head.wire_bytes = reply.body.size();
    sink.begin(head);
    const Status fed = sink.feed(reply.body);
    if (!fed.ok()) co_return fed.error();
    co_return head;
  }

 private:
  static std::string path_of(const std::string& target) {
    return target.substr(0, target.find('?'));
  }
  FakeReply next(const HttpRequest& request) {
    if (const auto host = by_host.find(request.endpoint.host); host != by_host.end()) {
      return host->second;
    }
    auto found = script.find(request.target);
    if (found == script.end()) found = script.find(path_of(request.target));
    if (found == script.end()) {
      return {404, R"({"errors":["Unable to load requested file )" + request.target + R"(."]})"};
    }
    FakeReply reply = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return reply;
  }
};

}  // namespace doctor
