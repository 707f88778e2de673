// The head of an HTTP response, from bytes in any slicing. Beast's parser stays in the .cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "agent/net/body.hpp"
#include "model/result.hpp"

namespace doctor {

struct ResponseHead {
  int status{};
  std::string content_type;
  std::string location;    // of a redirect
  std::string challenges;  // all of WWW-Authenticate, joined with ", "
  bool keep_alive{false};  // the peer will answer over this connection again
  BodyShape body;
};

class ResponseHeadReader {
 public:
  /// `head_request`: the answer to HEAD has no body whatever its head says.
  ResponseHeadReader(std::size_t bytes_max, bool head_request)
      : bytes_max_(bytes_max), head_request_(head_request) {}

  /// Errors: malformed (at the first byte that cannot be HTTP), too_large. Interim answers (1xx)
  /// are skipped. After complete() feed no more.
  Status feed(std::span<const char> wire);
  bool complete() const { return complete_; }
  bool started() const { return !buffer_.empty(); }
  const ResponseHead& head() const { return head_; }
  /// What came behind the head already: the start of the body.
  std::span<const char> rest() const { return buffer_; }

 private:
  Result<std::size_t> parse();  // bytes of the head, 0 = not whole yet

  std::size_t bytes_max_;
  bool head_request_;
  bool complete_{false};
  std::size_t skipped_bytes_{0};  // of interim answers
  std::size_t searched_{0};       // no end of head before here
  std::string buffer_;
  ResponseHead head_;
};

}  // namespace doctor
