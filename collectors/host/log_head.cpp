#include "collectors/host/log_head.hpp"

#include "collectors/host/lines.hpp"

namespace doctor::host {
namespace {

constexpr std::size_t kIdBytesMax = 256;

/// The word after the last `title`; empty when its line is not complete.
std::string_view word_after(std::string_view text, std::string_view title) {
  const std::size_t at = text.rfind(title);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + title.size());
  const std::size_t end = text.find_first_of(" \r\n");
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end);
}

}  // namespace

LogHead parse_log_head(std::string_view text) {
  LogHead head;
  const std::string_view id = word_after(text, "Starting TaskManager with ResourceID: ");
  if (id.size() <= kIdBytesMax) head.tm_id = id;
  const std::string_view blob = word_after(text, "Started BLOB server at ");
  const auto port = whole<std::uint16_t>(blob.substr(blob.rfind(':') + 1));
  if (blob.rfind(':') != std::string_view::npos && port && *port != 0) head.blob_port = port;
  return head;
}

}  // namespace doctor::host
