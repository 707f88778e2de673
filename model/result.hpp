// Result<T>: a value, or the reason why there is none. For failures that are expected (a refused
// connection, a malformed body); bugs throw. Error codes are a fixed set because they become
// metric labels.
#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace doctor {

enum class ErrorCode {
  refused,          // nothing listens there
  name_resolution,  // the name has no address, or the resolver did not answer
  timeout,          // the deadline of the whole exchange passed
  reset,            // the peer closed in the middle
  tls,              // one side could not prove who it is, or they do not both speak TLS
  truncated,        // the body ended before it said it would
  too_large,        // a cap on bytes, depth or count was reached
  http_status,      // an answer that is not 2xx and has no better name
  leader_election,  // 503 with Flink's text: no JobManager leads just now
  not_flink,        // somebody answers, but it is not Flink
  malformed,        // not the syntax or the shape that was promised
  gone,             // the job or TaskManager asked for is not there any more
  cancelled,        // we are shutting down; says nothing about the peer
  io,               // disk or socket trouble on our side
  invalid_argument  // the user asked for something impossible
};

std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code{ErrorCode::io};
  std::string message;  // one line, for people; may quote hostile input only through printable()
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return assert(!ok()), std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value.
struct Done {};
using Status = Result<Done>;

}  // namespace doctor
