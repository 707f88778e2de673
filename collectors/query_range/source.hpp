// One question to a store of the past, and its answer into a slice.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "collectors/http.hpp"
#include "collectors/query_range/slice.hpp"

namespace doctor::query_range {

struct Asked {
  Result<Answer> answer;
  bool later{false};  // it failed, and the same question may be answered later
  bool less{false};   // it failed, and one about less time may be answered
};

/// `slice` and `limits` must outlive the coroutine. A failure leaves the slice with a part of the
/// answer.
boost::asio::awaitable<Asked> ask(Http& http, Endpoint store, std::string target, Slice& slice,
                                  const Limits& limits);

}  // namespace doctor::query_range
