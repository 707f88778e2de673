#include "collectors/logs/needles.hpp"

#include <limits>
#include <stdexcept>

namespace doctor {

Needles::Needles(std::span<const std::string_view> needles) {
  std::size_t bytes = 0;
  for (const std::string_view needle : needles) {
    bytes += needle.size();
    if (needle.empty()) throw std::logic_error("an empty needle is in every line");
    for (const char c : needle) {
      std::uint8_t& byte_class = class_of_[static_cast<unsigned char>(c)];
      if (byte_class == 0) byte_class = static_cast<std::uint8_t>(classes_++);
    }
  }
  if (needles.size() > kMax || bytes >= std::numeric_limits<State>::max() || classes_ > 255) {
    throw std::logic_error("too many needles");
  }
  add_state();
  for (std::size_t i = 0; i < needles.size(); ++i) add_needle(needles[i], i);
  connect();
}

Needles::State Needles::add_state() {
  next_.resize(next_.size() + classes_, 0);
  ends_.emplace_back();
  return static_cast<State>(ends_.size() - 1);
}

void Needles::add_needle(std::string_view needle, std::size_t index) {
  State state = 0;
  for (const char c : needle) {
    const std::uint8_t byte_class = class_of_[static_cast<unsigned char>(c)];
    if (next(state, byte_class) == 0) {
      const State fresh = add_state();
      next(state, byte_class) = fresh;
    }
    state = next(state, byte_class);
  }
  ends_[state].set(index);
}

/// Breadth first: where a state has no way on, it takes that of its longest proper suffix, which is
/// shorter and so done already.
void Needles::connect() {
  std::vector<State> order{0};
  std::vector<State> suffix(ends_.size(), 0);
  for (std::size_t done = 0; done < order.size(); ++done) {
    const State state = order[done];
    for (std::size_t c = 1; c < classes_; ++c) {
      const auto byte_class = static_cast<std::uint8_t>(c);
      const State child = next(state, byte_class);
      const State fallback = state == 0 ? State{0} : next(suffix[state], byte_class);
      if (child == 0) {
        next(state, byte_class) = fallback;
        continue;
      }
      suffix[child] = fallback;
      ends_[child] |= ends_[fallback];
      order.push_back(child);
    }
  }
  for (const Found& ends : ends_) is_end_.push_back(ends.any());
}

Needles::Found Needles::find(std::string_view text) const {
  Found found;
  std::size_t state = 0;
  for (const char c : text) {
    state = next_[state * classes_ + class_of_[static_cast<unsigned char>(c)]];
    if (is_end_[state]) found |= ends_[state];
  }
  return found;
}

}  // namespace doctor
