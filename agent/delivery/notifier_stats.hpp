// What became of the alerts sent to each Alertmanager member: written by the notifiers on the
// loop, read by the metrics page on the HTTP thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace doctor {

struct MemberStats {
  std::string member;        // host:port
  std::optional<bool> up;    // absent until the first exchange
  std::uint64_t sent{};      // alerts accepted, repeats included
  std::uint64_t errors{};    // exchanges that failed
  std::uint64_t rejected{};  // alerts the member called invalid
  std::string last_error;
};

class NotifierStats {
 public:
  /// The index of a new member.
  std::size_t add(std::string member) {
    const std::scoped_lock lock(mutex_);
    members_.push_back({std::move(member), std::nullopt, 0, 0, 0, {}});
    return members_.size() - 1;
  }
  void update(std::size_t index, const std::function<void(MemberStats&)>& change) {
    const std::scoped_lock lock(mutex_);
    change(members_.at(index));
  }
  std::vector<MemberStats> read() const {
    const std::scoped_lock lock(mutex_);
    return members_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<MemberStats> members_;
};

}  // namespace doctor
