#include "agent/net/request_target.hpp"

#include <optional>

namespace doctor {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (is_control(c)) return std::nullopt;
    decoded.push_back(c);
  }
  return decoded;
}

bool has_odd_segment(std::string_view path) {
  if (path.find('\\') != std::string_view::npos) return true;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment == "." || segment == ".." || (segment.empty() && !path.empty())) return true;
  }
  return false;
}

}  // namespace

RequestTarget decode_target(std::string_view target) {
  const std::size_t question = target.find('?');
  RequestTarget result;
  const std::optional<std::string> path = percent_decoded(target.substr(0, question));
  if (target.empty() || target.front() != '/' || !path) {
    result.refusal = 400;
    return result;
  }
  if (has_odd_segment(*path)) result.refusal = 404;
  result.path = *path;
  if (question != std::string_view::npos) result.query = target.substr(question + 1);
  return result;
}

}  // namespace doctor
