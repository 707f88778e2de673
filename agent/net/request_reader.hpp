// One inbound request from bytes in any slicing, with caps. Beast's parser stays in the .cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "agent/net/server.hpp"

namespace doctor {

class RequestReader {
 public:
  RequestReader(std::size_t header_bytes_max, std::size_t body_bytes_max);
  ~RequestReader();

  enum class Verdict { need_more, ready, refused };
  /// Takes what it can from the front of `buffer` and leaves the rest (a next request).
  Verdict feed(std::string& buffer);

  int refusal() const { return refusal_; }  // 400, 404, 405, 413 or 431 when refused
  const InboundRequest& request() const { return request_; }
  /// May the connection serve another request after this one?
  bool keep_alive() const;

 private:
  struct Parser;
  Verdict judge();
  Verdict refuse(int status);

  std::unique_ptr<Parser> parser_;
  std::size_t header_bytes_max_;
  InboundRequest request_;
  int refusal_{0};
};

}  // namespace doctor
