#include "detectors/statistics/fault.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "model/text.hpp"

namespace doctor {
namespace {

// Exceptions of one attempt carry its number; without one only those at the same moment are one.
constexpr DurationMs kOneAttemptMs = kMinuteMs;
constexpr DurationMs kOneMomentMs = kSecondMs;

constexpr std::array<std::string_view, 6> kLost{
    "Heartbeat of TaskManager with id",
    "is no longer reachable",
    "unexpectedly closed by remote task manager",
    "No TaskExecutor registered under",
    "TaskExecutor was lost",
    "Lost connection to task manager",
};
constexpr std::array<std::string_view, 13> kConsequences{
    "PartitionNotFoundException",   "ProducerFailedException",
    "RemoteTransportException",     "LocalTransportException",
    "NoResourceAvailableException", "Could not acquire the minimum required resources",
    "CancelTaskException",          "The TaskExecutor is shutting down",
    "TaskManager is shutting down", "Disconnect from JobManager",
    "lost the leadership",          "lost leadership",
    "JobManager responsible for",
};
constexpr std::array<std::string_view, 11> kForeignFrames{
    "org.apache.flink.",
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "scala.",
    "akka.",
    "org.apache.pekko.",
    "java.base/",
    "jdk.internal.",
};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <class Parts>
bool mentions(const ExceptionRecord& fault, const Parts& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return holds(fault.root_cause, part) || holds(fault.message, part) || holds(fault.name, part);
  });
}

const std::string& root_of(const ExceptionRecord& fault) {
  return fault.root_cause.empty() ? fault.name : fault.root_cause;
}

std::string_view class_of(const ExceptionRecord& fault) {
  const std::string_view root = root_of(fault);
  return root.substr(0, root.find_first_of(": "));
}

/// "org.acme.Decode.map", without line and without the numbers of lambdas.
std::string_view method_of(std::string_view frame) {
  frame = frame.substr(0, frame.find('('));
  return frame.substr(0, frame.find("$$Lambda"));
}

std::string_view place_of(const ExceptionRecord& fault) {
  for (const std::string& frame : fault.frames) {
    const bool foreign =
        std::any_of(kForeignFrames.begin(), kForeignFrames.end(),
                    [&](std::string_view prefix) { return frame.starts_with(prefix); });
    if (!foreign) return method_of(frame);
  }
  return fault.frames.empty() ? std::string_view{} : method_of(fault.frames.front());
}

/// Digits are offsets, ids and times: they differ between two cases of the same fault.
std::string shape_of(std::string_view text) {
  std::string shape;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) shape.push_back(c);
  }
  return shape;
}

/// "Map (1/2) - execution #28" → 28
std::optional<int> attempt_of(const ExceptionRecord& fault) {
  const std::size_t mark = fault.task.rfind("execution #");
  if (mark == std::string::npos) return std::nullopt;
  int attempt = 0;
  std::size_t digits = 0;
  for (std::size_t i = mark + 11; i < fault.task.size() && digits < 8; ++i, ++digits) {
    const char c = fault.task[i];
    if (c < '0' || c > '9') break;
    attempt = attempt * 10 + (c - '0');
  }
  return digits == 0 ? std::nullopt : std::optional<int>(attempt);
}

bool is_one_restart(const ExceptionRecord& earlier, const ExceptionRecord& later) {
  const DurationMs gap = later.at - earlier.at;
  const std::optional<int> before = attempt_of(earlier);
  const std::optional<int> after = attempt_of(later);
  if (before && after) return *before == *after && gap < kOneAttemptMs;
  return gap < kOneMomentMs;
}

}  // namespace

FaultKind kind_of(const ExceptionRecord& fault) {
  if (mentions(fault, kLost)) return FaultKind::lost_task_manager;
  if (mentions(fault, kConsequences)) return FaultKind::consequence;
  return FaultKind::cause;
}

std::vector<Restart> restarts_of(std::span<const ExceptionRecord> faults) {
  std::vector<Restart> restarts;
  const ExceptionRecord* previous = nullptr;
  for (const ExceptionRecord& fault : faults) {
    const Restart restart{fault.at, kind_of(fault), &fault};
    if (previous == nullptr || !is_one_restart(*previous, fault)) {
      restarts.push_back(restart);
    } else if (Restart& last = restarts.back();
               last.kind != FaultKind::cause && restart.kind != FaultKind::consequence) {
      last.kind = restart.kind;
      last.fault = restart.fault;
    }
    previous = &fault;
  }
  return restarts;
}

bool same_cause(const ExceptionRecord& a, const ExceptionRecord& b) {
  if (class_of(a) != class_of(b)) return false;
  const std::string_view place_a = place_of(a);
  const std::string_view place_b = place_of(b);
  if (place_a.empty() && place_b.empty()) return shape_of(root_of(a)) == shape_of(root_of(b));
  return place_a.empty() || place_b.empty() || place_a == place_b;
}

std::string cause_text(const ExceptionRecord& fault) {
  std::string text = root_of(fault);
  if (fault.root_cause.empty() && !fault.message.empty()) text += ": " + fault.message;
  text = printable(text, 240);
  if (const std::string_view place = place_of(fault); !place.empty()) {
    text += " (at " + printable(place, 120) + ")";
  }
  return text;
}

}  // namespace doctor
