#include "agent/net/response_head.hpp"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <string_view>

#include "model/text.hpp"

namespace doctor {
namespace {

namespace http = boost::beast::http;
using Message = http::response_parser<http::empty_body>::value_type;

constexpr std::string_view kProtocol = "HTTP/1.";
constexpr std::size_t kLocationBytesMax = 1024;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

Error too_large(std::size_t bytes_max) {
  return {ErrorCode::too_large,
          "the head of the answer exceeds " + std::to_string(bytes_max) + " bytes"};
}

Error not_http(std::string_view bytes) {
  // A TLS alert record is what an https port sends to a plain request.
  if (bytes.size() >= 2 && bytes[0] == '\x15' && bytes[1] == '\x03') {
    return {ErrorCode::malformed, "TLS is spoken there; its address begins with https://"};
  }
  return {ErrorCode::malformed, "no HTTP answer, it begins with \"" + printable(bytes, 24) + "\""};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

std::string_view field(const Message& message, http::field name) {
  const auto value = message[name];
  return {value.data(), value.size()};
}

std::string challenges(const Message& message) {
  std::string all;
  const auto [begin, end] = message.equal_range(http::field::www_authenticate);
  for (auto field = begin; field != end; ++field) {
    all += (all.empty() ? "" : ", ") + printable({field->value().data(), field->value().size()});
  }
  return all;
}

Result<bool> is_gzip(const Message& message) {
  const std::string encoding = lower(field(message, http::field::content_encoding));
  if (encoding.empty() || encoding == "identity") return false;
  if (encoding == "gzip" || encoding == "x-gzip") return true;
  return Error{ErrorCode::malformed, "unasked content encoding " + printable(encoding, 40)};
}

/// RFC 9112, 6.3. Two framings at once are an attack or a bug and refused.
Result<BodyShape> body_shape(http::response_parser<http::empty_body>& parser, bool head_request) {
  const Message& message = parser.get();
  BodyShape shape;
  const unsigned status = message.result_int();
  if (head_request || status == 204 || status == 304) return shape;
  const std::string transfer = lower(field(message, http::field::transfer_encoding));
  if (message.count(http::field::transfer_encoding) > 0) {
    if (transfer != "chunked" || message.count(http::field::transfer_encoding) > 1) {
      return Error{ErrorCode::malformed, "unknown transfer encoding " + printable(transfer, 40)};
    }
    if (message.count(http::field::content_length) > 0) {
      return Error{ErrorCode::malformed, "both Content-Length and chunks were announced"};
    }
    shape.framing = BodyShape::Framing::chunked;
  } else if (const auto length = parser.content_length()) {
    shape.framing = BodyShape::Framing::length;
    shape.content_length = *length;
  } else {
    shape.framing = BodyShape::Framing::until_close;
  }
  const Result<bool> gzip = is_gzip(message);
  if (!gzip) return gzip.error();
  shape.gzip = *gzip;
  return shape;
}

}  // namespace

Status ResponseHeadReader::feed(std::span<const char> wire) {
  buffer_.append(wire.data(), wire.size());
  while (!complete_) {
    const Result<std::size_t> head_bytes = parse();
    if (!head_bytes) return head_bytes.error();
    if (*head_bytes == 0) return Done{};
    buffer_.erase(0, *head_bytes);
    searched_ = 0;
    skipped_bytes_ += *head_bytes;
    complete_ = head_.status >= 200;
  }
  return Done{};
}

Result<std::size_t> ResponseHeadReader::parse() {
  const std::string_view bytes(buffer_);
  const std::size_t prefix = std::min(bytes.size(), kProtocol.size());
  if (bytes.substr(0, prefix) != kProtocol.substr(0, prefix)) return not_http(bytes);
  const std::size_t end = bytes.find(kEndOfHead, searched_);
  if (end == std::string_view::npos) {
    searched_ = bytes.size() - std::min(bytes.size(), kEndOfHead.size() - 1);
    if (bytes.size() + skipped_bytes_ >= bytes_max_) return too_large(bytes_max_);
    return std::size_t{0};
  }
  const std::size_t head_bytes = end + kEndOfHead.size();
  if (head_bytes + skipped_bytes_ > bytes_max_) return too_large(bytes_max_);

  http::response_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(head_bytes));
  parser.body_limit(boost::none);  // Beast would refuse declared lengths above 8 MiB
  parser.skip(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(buffer_.data(), head_bytes), error);
  if (error || !parser.is_header_done()) {
    return Error{ErrorCode::malformed, "a damaged HTTP head: " + error.message()};
  }
  head_.status = static_cast<int>(parser.get().result_int());
  if (head_.status == 101) return Error{ErrorCode::malformed, "an unasked protocol switch"};
  if (head_.status < 200) return head_bytes;
  head_.content_type = printable(field(parser.get(), http::field::content_type));
  head_.location = printable(field(parser.get(), http::field::location), kLocationBytesMax);
  head_.challenges = challenges(parser.get());
  head_.keep_alive = parser.get().keep_alive();
  const Result<BodyShape> shape = body_shape(parser, head_request_);
  if (!shape) return shape.error();
  head_.body = *shape;
  return head_bytes;
}

}  // namespace doctor
