#include "collectors/rest/requests.hpp"

#include <algorithm>
#include <array>

#include "collectors/percent_encoding.hpp"

namespace doctor::rest {
namespace {

// ":" stands for one segment, an id.
constexpr std::array<std::string_view, 19> kPaths{
    "/config",
    "/overview",
    "/jobmanager/config",
    "/jobmanager/environment",
    "/jobmanager/metrics",
    "/taskmanagers",
    "/taskmanagers/:/metrics",
    "/jobs/overview",
    "/jobs/:",
    "/jobs/:/config",
    "/jobs/:/checkpoints",
    "/jobs/:/checkpoints/config",
    "/jobs/:/checkpoints/details/:",
    "/jobs/:/checkpoints/details/:/subtasks/:",
    "/jobs/:/exceptions",
    "/jobs/:/metrics",
    "/jobs/:/vertices/:",
    "/jobs/:/vertices/:/metrics",
    "/jobs/:/vertices/:/subtasks/metrics",
};

bool is_id_segment(std::string_view segment) {
  const auto allowed = [](char c) { return is_unreserved(c) || c == '%'; };
  return !segment.empty() && segment != "." && segment != ".." &&
         std::all_of(segment.begin(), segment.end(), allowed);
}

std::string_view take_segment(std::string_view& path) {
  const std::size_t end = path.find('/', 1);
  const std::string_view segment = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
  return segment;
}

bool matches(std::string_view path, std::string_view pattern) {
  while (!path.empty() && !pattern.empty()) {
    const std::string_view segment = take_segment(path);
    const std::string_view wanted = take_segment(pattern);
    if (wanted == "/:" ? !is_id_segment(segment.substr(1)) : segment != wanted) return false;
  }
  return path.empty() && pattern.empty();
}

}  // namespace

bool is_allowed(const HttpRequest& request) {
  if (request.method != "GET" || !request.body.empty()) return false;
  const std::string_view target = request.target;
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '#'; };
  if (!std::all_of(target.begin(), target.end(), is_plain)) return false;
  const std::string_view path = target.substr(0, target.find('?'));
  return path.starts_with('/') &&
         std::any_of(kPaths.begin(), kPaths.end(),
                     [&](std::string_view pattern) { return matches(path, pattern); });
}

}  // namespace doctor::rest
