#include "agent/net/request_reader.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "agent/net/request_target.hpp"

namespace doctor {
namespace {

namespace http = boost::beast::http;

int refusal_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit || error == http::error::buffer_overflow) return 413;
  return 400;
}

}  // namespace

struct RequestReader::Parser {
  http::request_parser<http::string_body> http;
};

RequestReader::RequestReader(std::size_t header_bytes_max, std::size_t body_bytes_max)
    : parser_(std::make_unique<Parser>()), header_bytes_max_(header_bytes_max) {
  parser_->http.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser_->http.body_limit(body_bytes_max);
  parser_->http.eager(true);
}

RequestReader::~RequestReader() = default;

RequestReader::Verdict RequestReader::feed(std::string& buffer) {
  boost::system::error_code error;
  while (!buffer.empty() && !parser_->http.is_done()) {
    const std::size_t taken = parser_->http.put(boost::asio::buffer(buffer), error);
    buffer.erase(0, taken);
    if (error == http::error::need_more) break;
    if (error) return refuse(refusal_of(error));
    if (taken == 0) break;
  }
  if (parser_->http.is_done()) return judge();
  // Beast holds nothing back: what is left is an unfinished head or chunk line.
  return buffer.size() > header_bytes_max_ ? refuse(431) : Verdict::need_more;
}

RequestReader::Verdict RequestReader::judge() {
  const auto& message = parser_->http.get();
  request_.method = std::string(message.method_string());
  const auto count = [&](http::field name) { return message.count(name); };
  if (count(http::field::transfer_encoding) > 0 && !parser_->http.chunked()) return refuse(400);
  if (count(http::field::transfer_encoding) > 0 && count(http::field::content_length) > 0) {
    return refuse(400);
  }
  if (message.version() >= 11 && count(http::field::host) != 1) return refuse(400);
  const auto method = message.method();
  if (method != http::verb::get && method != http::verb::head && method != http::verb::post) {
    return refuse(405);
  }
  const auto text = message.target();
  RequestTarget target = decode_target({text.data(), text.size()});
  if (target.refusal != 0) return refuse(target.refusal);
  request_.path = std::move(target.path);
  request_.query = std::move(target.query);
  request_.body = message.body();
  return Verdict::ready;
}

RequestReader::Verdict RequestReader::refuse(int status) {
  refusal_ = status;
  return Verdict::refused;
}

bool RequestReader::keep_alive() const { return refusal_ == 0 && parser_->http.keep_alive(); }

}  // namespace doctor
