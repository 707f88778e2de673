#include "agent/net/response_text.hpp"

#include <array>
#include <utility>

namespace doctor {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 16> kReasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
}};

constexpr std::string_view kSecurityHeaders =
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-store\r\n";

}  // namespace

std::string_view reason_phrase(int status) {
  for (const auto& [code, reason] : kReasons) {
    if (code == status) return reason;
  }
  return "Status";
}

std::string response_head(int status, std::string_view content_type, std::size_t body_bytes,
                          bool keep_alive) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_phrase(status)).append("\r\n");
  if (status != 204 && status != 304) {
    head.append("Content-Type: ").append(content_type);
    head.append("\r\nContent-Length: ").append(std::to_string(body_bytes)).append("\r\n");
  }
  head.append(kSecurityHeaders);
  if (status == 405) head.append("Allow: GET, HEAD, POST\r\n");
  head.append(keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  return head;
}

InboundResponse plain_response(int status) {
  InboundResponse response;
  response.status = status;
  response.body = std::make_shared<const std::string>(std::to_string(status) + " " +
                                                      std::string(reason_phrase(status)) + "\n");
  return response;
}

}  // namespace doctor
