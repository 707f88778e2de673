#include "model/pod.hpp"

#include <algorithm>
#include <utility>

#include "model/reporter_name.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::string_view kFlinkContainer = "flink-main-container";
constexpr int kKilled = 9;
constexpr int kAskedToEnd = 15;

std::string signal_name(int number) {
  constexpr std::pair<int, const char*> kNames[] = {
      {1, "SIGHUP"}, {2, "SIGINT"},        {4, "SIGILL"},   {6, "SIGABRT"},          {7, "SIGBUS"},
      {8, "SIGFPE"}, {kKilled, "SIGKILL"}, {11, "SIGSEGV"}, {kAskedToEnd, "SIGTERM"}};
  for (const auto& [value, name] : kNames) {
    if (value == number) return name;
  }
  return "signal " + std::to_string(number);
}

/// The only one that fits; null for none and for several.
template <class Fits>
const PodFacts* only(const std::vector<PodFactsPtr>& pods, Fits fits) {
  const PodFacts* found = nullptr;
  for (const PodFactsPtr& pod : pods) {
    if (!fits(*pod)) continue;
    if (found != nullptr) return nullptr;
    found = pod.get();
  }
  return found;
}

}  // namespace

std::string_view to_string(PodRole role) {
  switch (role) {
    case PodRole::unknown:
      return "";
    case PodRole::job_manager:
      return "jobmanager";
    case PodRole::task_manager:
      return "taskmanager";
  }
  return "";
}

const Termination* ContainerFacts::death() const {
  if (ended) return &*ended;
  return last_termination ? &*last_termination : nullptr;
}

std::string describe(const ContainerFacts& container, const Termination& end) {
  std::string text = "container " + container.name + " ended: ";
  if (!end.reason.empty()) text += end.reason + ", ";
  text += "exit code " + std::to_string(end.exit_code);
  if (end.signal) text += " (" + signal_name(*end.signal) + ")";
  if (end.oom_killed() && container.memory_limit) {
    text += ", memory limit " + format_bytes(*container.memory_limit);
  }
  return text;
}

bool PodFacts::failed_by(const Termination& end) const {
  if (end.oom_killed()) return true;
  if (end.exit_code == 0) return false;
  // Who is being deleted is asked to end, and killed when it does not.
  const bool by_deletion = end.signal == kAskedToEnd || end.signal == kKilled;
  return !(deleting_at && by_deletion);
}

const ContainerFacts* PodFacts::container(std::string_view of_name) const {
  const auto found =
      std::find_if(containers.begin(), containers.end(),
                   [&](const ContainerFacts& container) { return container.name == of_name; });
  return found == containers.end() ? nullptr : &*found;
}

const ContainerFacts* PodFacts::flink_container() const {
  if (const ContainerFacts* named = container(kFlinkContainer); named != nullptr) return named;
  return containers.size() == 1 ? &containers.front() : nullptr;
}

const PodFacts* KubernetesFacts::task_manager(const std::string& id,
                                              const std::string& host) const {
  // Reporters filter ids, REST does not: meet on the filtered form.
  const std::string filtered = reporter_filtered(id);
  const PodFacts* by_name =
      only(pods, [&](const PodFacts& pod) { return is_filtered_to(pod.name, filtered); });
  if (by_name != nullptr || host.empty()) return by_name;
  return only(pods, [&](const PodFacts& pod) {
    return pod.ip == host && pod.running() && pod.role != PodRole::job_manager;
  });
}

const PodFacts* KubernetesFacts::job_manager() const {
  return only(
      pods, [](const PodFacts& pod) { return pod.role == PodRole::job_manager && pod.running(); });
}

}  // namespace doctor
