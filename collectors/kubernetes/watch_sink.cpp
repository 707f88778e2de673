#include "collectors/kubernetes/watch_sink.hpp"

#include <algorithm>
#include <utility>

namespace doctor::kubernetes {
namespace {

constexpr std::size_t kRefusalBytesMax = 16U << 10U;

}  // namespace

void WatchSink::begin(const HttpReply& head) {
  status_ = head.status;
  if (opened()) opened_();
}

Status WatchSink::feed(std::span<const char> window) {
  std::string_view left(window.data(), window.size());
  if (!opened()) {
    refusal_.append(left.substr(0, kRefusalBytesMax - std::min(kRefusalBytesMax, refusal_.size())));
    return Done{};
  }
  for (std::size_t end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
    if (Status ok = append(left.substr(0, end)); !ok) return ok;
    left.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (line.empty()) continue;
    if (Status ok = take_(line); !ok) return ok;
  }
  return append(left);
}

Status WatchSink::append(std::string_view part) {
  if (part.size() > line_bytes_max_ - line_.size()) {
    return Error{ErrorCode::too_large, "a line of the watch is longer than " +
                                           std::to_string(line_bytes_max_) + " bytes"};
  }
  line_ += part;
  return Done{};
}

}  // namespace doctor::kubernetes
