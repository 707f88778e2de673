// Why a vertex is slow, as far as its subtasks and the processes under them let see.
#include <algorithm>
#include <cmath>
#include <set>

#include "detectors/statistics/bottleneck.hpp"
#include "detectors/statistics/key_groups.hpp"
#include "detectors/statistics/peer_outlier.hpp"
#include "detectors/statistics/trend.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr double kHotMin = 0.8;
constexpr double kAllBusyMin = 0.7;
constexpr double kCoolShare = 0.5;  // of the hottest subtask's busy time
constexpr double kEqualRecordsMax = 1.5;
constexpr double kRateFloor = 1e-3;  // records per second; less is none
constexpr double kGcShareMin = 0.10;
constexpr double kWaitingShare = 0.5;  // processor time / busy time

struct Busy {
  std::vector<const SubtaskLoad*> subtasks;
  std::vector<double> shares;
  std::size_t hottest{};
  double median_share{};
};

Busy busy_of(const VertexLoad& load) {
  Busy busy;
  for (const SubtaskLoad& subtask : load.subtasks) {
    if (!subtask.shares || !subtask.shares->busy) continue;
    busy.subtasks.push_back(&subtask);
    busy.shares.push_back(*subtask.shares->busy);
  }
  if (busy.shares.empty()) return busy;
  busy.hottest = static_cast<std::size_t>(std::max_element(busy.shares.begin(), busy.shares.end()) -
                                          busy.shares.begin());
  busy.median_share = median(busy.shares).value();
  return busy;
}

bool is_uneven(const Busy& busy) {
  const std::size_t n = busy.shares.size();
  if (n < 2 || busy.shares[busy.hottest] < kHotMin) return false;
  const double other = n == 2 ? busy.shares[1 - busy.hottest] : busy.median_share;
  return other <= std::min(kCoolShare, 1 / peer_ratio_min(n)) * busy.shares[busy.hottest];
}

std::string percent(double share) { return format_number(100 * share, 2) + " %"; }

Diagnosis uneven(const Busy& busy, const VertexFacts& vertex) {
  const SubtaskLoad& hot = *busy.subtasks[busy.hottest];
  Diagnosis diagnosis{LoadClass::uneven, hot.index,
                      "subtask " + std::to_string(hot.index) + " is busy " +
                          percent(busy.shares[busy.hottest]) + " of the time, the middle one " +
                          percent(busy.median_share)};
  std::vector<Peer> peers;
  for (const SubtaskLoad* subtask : busy.subtasks) {
    if (!subtask->records_in_s) return diagnosis;
    peers.push_back({std::log(std::max(kRateFloor, *subtask->records_in_s))});
  }
  const PeerStand stand = stands_of(peers)[busy.hottest];
  const double ratio = stand.ratio;
  const std::string share =
      " and receives " + format_number(ratio, 2) + " × the records of the others";
  if (stands_out(stand, peers.size())) {
    diagnosis.load_class = LoadClass::skew;
    diagnosis.text +=
        share + (is_keyed(vertex) ? ": the keys are skewed" : ": its input is spread unevenly");
  } else if (ratio <= kEqualRecordsMax) {
    diagnosis.load_class = LoadClass::slow_instance;
    diagnosis.text += share + ": it is slow, not overloaded; look at its TaskManager and host";
  }
  return diagnosis;
}

std::set<EntityId> processes_of(const Window& window, const Busy& busy) {
  std::set<EntityId> processes;
  for (const SubtaskLoad* subtask : busy.subtasks) {
    processes.insert(window.features->process_of(subtask->entity));
  }
  return processes;
}

Diagnosis saturated(const Window& window, const Busy& busy) {
  const std::set<EntityId> processes = processes_of(window, busy);
  const std::string all = busy.shares.size() == 1 ? "its subtask is" : "all its subtasks are";
  double cores = 0;
  bool cores_known = true;
  for (const EntityId process : processes) {
    const std::optional<double> gc = gc_share(window, process);
    if (gc && *gc >= kGcShareMin) {
      return {LoadClass::collecting, -1,
              all + " busy, and garbage collection takes " + percent(*gc) + " of the time on " +
                  printable(window.entities->name(process), 80)};
    }
    const std::optional<double> used = cores_used(window, process);
    cores_known = cores_known && used.has_value();
    cores += used.value_or(0);
  }
  double busy_cores = 0;
  for (const double share : busy.shares) busy_cores += share;
  if (!cores_known) {
    return {LoadClass::saturated, -1,
            all +
                " busy; whether they compute or wait for something cannot be told without the "
                "TaskManagers' CPU time (metrics reporter)"};
  }
  const std::string figures = format_number(busy_cores, 2) + " subtasks' worth of busy time, " +
                              format_number(cores, 2) + " cores used by the whole process";
  if (cores < kWaitingShare * busy_cores) {
    return {LoadClass::waiting, -1,
            all + " busy without computing (" + figures +
                "): it waits inside the operator, as for an external service or a disk"};
  }
  return {LoadClass::under_provisioned, -1,
          all + " busy and the processors work (" + figures + ")"};
}

}  // namespace

Diagnosis diagnose(const Window& window, const VertexLoad& load) {
  const Busy busy = busy_of(load);
  if (!busy.shares.empty() && is_uneven(busy)) return uneven(busy, *load.vertex);
  if (!busy.shares.empty() && busy.median_share >= kAllBusyMin) return saturated(window, busy);
  return {
      LoadClass::unclear, -1,
      "why it is slow cannot be told from busy time: it may come in bursts, or the network or a "
      "queue inside the operator holds it up"};
}

}  // namespace doctor
