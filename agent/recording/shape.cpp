#include "agent/recording/shape.hpp"

#include <algorithm>
#include <atomic>

namespace doctor::shape {

std::size_t next_type_index() {
  static std::atomic<std::size_t> next{0};
  return next++;
}

std::vector<std::string_view> split_names(std::string_view names) {
  std::vector<std::string_view> all;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    all.push_back(names.substr(0, end));
    names.remove_prefix(end);
    names.remove_prefix(std::min(names.find_first_not_of(", "), names.size()));
  }
  return all;
}

std::vector<std::size_t> places(std::string_view recorded, std::string_view own) {
  const std::vector<std::string_view> ours = split_names(own);
  std::vector<std::size_t> found;
  for (const std::string_view name : split_names(recorded)) {
    const auto place = std::find(ours.begin(), ours.end(), name);
    found.push_back(place == ours.end() ? kUnknown
                                        : static_cast<std::size_t>(place - ours.begin()));
  }
  return found;
}

}  // namespace doctor::shape
