#include "detectors/statistics/metaspace_process.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "detectors/statistics/metaspace_series.hpp"
#include "detectors/statistics/poisson.hpp"

namespace doctor {

namespace {

constexpr double kOneSided = 0.025;
constexpr double kKeepsAll = 0.05;  // of the classes loaded, unloaded
constexpr double kFarAway = 1e4;    // submissions; more are not counted out
constexpr int kRateEventsMin = 4;

MetaspaceLimit limit_of(const Window& window, EntityId process) {
  const bool jm = is_job_manager(window, process);
  MetaspaceLimit limit;
  limit.option =
      jm ? "jobmanager.memory.jvm-metaspace.size" : "taskmanager.memory.jvm-metaspace.size";
  if (const auto max = window.latest(Metric::jvm_metaspace_max, process); max && *max > 0) {
    limit.bytes = max;
    limit.source = "-XX:MaxMetaspaceSize as the JVM reports it (" + limit.option + ")";
  } else if (jm && window.cluster != nullptr && window.cluster->job_manager_metaspace_limit) {
    limit.bytes = window.cluster->job_manager_metaspace_limit;
    limit.source = "-XX:MaxMetaspaceSize of the JobManager (" + limit.option + ")";
  } else if (const TaskManagerFacts* tm = jm ? nullptr : window.task_manager_of(process);
             tm != nullptr && tm->memory.metaspace) {
    limit.bytes = tm->memory.metaspace;
    limit.source = "memoryConfiguration.jvmMetaspace (" + limit.option + ")";
  }
  return limit;
}

// An initial threshold set by hand moves the point at which a healthy JVM unloads.
bool metaspace_size_is_set(const Window& window) {
  if (window.cluster == nullptr) return false;
  return std::any_of(window.cluster->configuration.begin(), window.cluster->configuration.end(),
                     [](const auto& entry) {
                       return entry.first.starts_with("env.java.") &&
                              entry.second.find(":MetaspaceSize") != std::string::npos;
                     });
}

/// How long soft references, of which serialization's caches hold classes by, outlive their last
/// use: SoftRefLRUPolicyMSPerMB for every megabyte of free heap (HotSpot, referencePolicy.cpp;
/// 1000 by default); of the whole heap, to be sure.
DurationMs soft_age(const Window& window, EntityId process, DurationMs otherwise) {
  constexpr std::string_view kOption = "SoftRefLRUPolicyMSPerMB=";
  constexpr double kMegabyte = 1 << 20;
  const auto heap = window.latest(Metric::jvm_heap_max, process);
  if (!heap || *heap <= 0) return otherwise;
  double ms_per_mb = 1000;
  if (window.cluster != nullptr) {
    for (const auto& [key, value] : window.cluster->configuration) {
      const std::size_t at = key.starts_with("env.java.") ? value.find(kOption) : std::string::npos;
      if (at == std::string::npos) continue;
      ms_per_mb = std::max(ms_per_mb, std::strtod(value.c_str() + at + kOption.size(), nullptr));
    }
  }
  return static_cast<DurationMs>(std::min(*heap / kMegabyte * ms_per_mb, 1.0 * kDayMs));
}

SteppedGrowthRules rules_of(const Window& window, const Params& params, EntityId process,
                            const MetaspaceLimit& limit, double used) {
  SteppedGrowthRules rules;
  rules.soft_age_ms = soft_age(window, process, rules.soft_age_ms);
  const double left = std::max(0.0, limit.bytes.value_or(0) - used);
  rules.step_min_bytes = std::max(params["step_min_bytes"], params["step_room_ratio_min"] * left);
  rules.p_max = params["p_max"];
  rules.events_min = static_cast<int>(params["events_min"]);
  rules.finished_min = static_cast<int>(params["finished_min"]);
  rules.limit_bytes = limit.bytes;
  rules.headroom_ratio = params["headroom_ratio"];
  rules.keeps_ratio_max = params["reclaim_ratio_max"];
  rules.threshold_ratio = metaspace_size_is_set(window) ? 0 : params["threshold_ratio"];
  return rules;
}

/// The submission that no longer fits.
struct SubmissionsLeft {
  std::uint64_t low{};
  std::optional<std::uint64_t> high;
};

/// Submissions differ: n of them take n·m ± z·sd·√n, for which m the interval of the slope is used.
/// Where collections give something back, or none could yet, what they will give is not known: no
/// upper end.
SubmissionsLeft submissions_left(const MetaspaceProcess& process) {
  constexpr double kZ = 1.96;
  const SteppedGrowth& growth = process.growth;
  const double left = std::max(0.0, *process.limit.bytes - process.occupied);
  const auto until_full = [&](double step, double z) {
    const double spread = z * growth.step_sd;
    const double root = (std::sqrt(spread * spread + 4 * step * left) - spread) / (2 * step);
    return static_cast<std::uint64_t>(std::min(kFarAway, std::floor(root * root))) + 1;
  };
  const double faster =
      std::isfinite(growth.per_event.high) ? growth.per_event.high : growth.step_max;
  SubmissionsLeft submissions{until_full(std::max(process.step, faster), kZ), {}};
  const double slower = growth.per_event.low;
  const bool keeps_all =
      growth.proof != Proof::none && growth.reclaim_ratio.value_or(0) < kKeepsAll;
  if (std::isfinite(slower) && slower > 0 && keeps_all) {
    submissions.high = until_full(slower, -kZ);
  }
  return submissions;
}

/// Of the room between base and limit the share that is taken by what ended jobs left: those that
/// run fill a small one without any leak.
double left_behind_ratio(const MetaspaceProcess& process) {
  const SteppedGrowth& growth = process.growth;
  if (!process.limit.bytes || *process.limit.bytes <= growth.base) return 0;
  return (process.used - growth.base - growth.alive_bytes) / (*process.limit.bytes - growth.base);
}

/// Collections took what the other jobs left and, by the account of each, not what this one did:
/// short of a proof, and more than a JVM that tidied up once can clear.
bool one_may_keep(const SteppedGrowth& growth) {
  constexpr double kHalf = 0.5;
  return growth.kept && growth.kept->kept_ratio >= kHalf && growth.kept->others_ratio >= kHalf;
}

/// More of what is above the base than those that run hold.
bool ended_left_most(const MetaspaceProcess& process) {
  const SteppedGrowth& growth = process.growth;
  return process.used - growth.base > 2 * growth.alive_bytes;
}

}  // namespace

bool is_job_manager(const Window& window, EntityId process) {
  return window.entities->name(process) == "jobmanager";
}

MetaspaceProcess examine_metaspace(const Window& window, const Params& params,
                                   std::span<const Submission> ordered, EntityId id,
                                   const Sample& used) {
  MetaspaceProcess process;
  process.id = id;
  process.used = used.value;
  process.occupied =
      std::max(used.value, window.latest(Metric::jvm_metaspace_committed, id).value_or(0));
  process.limit = limit_of(window, id);
  process.growth = stepped_growth(metaspace_points(window, ordered, id),
                                  rules_of(window, params, id, process.limit, used.value));
  const SteppedGrowth& growth = process.growth;
  // After a collection it takes some submissions to know the rise anew.
  const bool is_known = growth.rate_events >= kRateEventsMin || growth.proof == Proof::none;
  process.step = std::max(is_known ? growth.per_event.value : growth.step, 0.0);
  if (!process.limit.bytes || process.step <= 0) return process;
  const double until_next = params["lookahead_ms"] + static_cast<double>(window.now - used.at);
  const double expected = process.occupied + growth.events_per_ms * until_next * process.step;
  process.submissions_left = std::max(0.0, (*process.limit.bytes - expected) / process.step);
  process.used_ratio = expected / *process.limit.bytes;
  return process;
}

std::optional<MetaspaceJudgement> judge_metaspace(const MetaspaceProcess& process,
                                                  const Params& params) {
  const SteppedGrowth& growth = process.growth;
  const bool proven = growth.proof != Proof::none;
  if (!growth.growing && !proven) return std::nullopt;
  const double left = process.submissions_left.value_or(INFINITY);
  const bool others_are_tidied =
      growth.proof == Proof::one_job_keeps || growth.proof == Proof::full_troughs;
  const bool keeps = others_are_tidied || growth.keeps.value_or(false) || growth.freed_little;
  const bool few_left = left <= params["imminent_submissions_left"];
  if (proven) {
    return keeps && few_left ? MetaspaceJudgement{Severity::critical, Confidence::imminent}
                             : MetaspaceJudgement{Severity::warning, Confidence::confirmed};
  }
  const bool nearly_full = process.used_ratio.value_or(0) >= params["imminent_used_ratio"];
  // The JVM has tidied up as well as it could, and the next submissions do not fit.
  if (growth.freed_little && few_left && nearly_full) {
    return MetaspaceJudgement{Severity::critical, Confidence::imminent};
  }
  // Without class counts nobody can say more; what tidied up before needs a proof.
  const bool one_keeps = one_may_keep(growth);
  const bool may_leak =
      ((keeps || !growth.keeps) && !growth.gave_back) || one_keeps || growth.freed_little;
  if (may_leak && (left_behind_ratio(process) >= params["headroom_ratio"] ||
                   (left <= params["suspected_submissions_left"] && ended_left_most(process)))) {
    return (keeps || one_keeps) && few_left && nearly_full
               ? MetaspaceJudgement{Severity::critical, Confidence::imminent}
               : MetaspaceJudgement{Severity::warning, Confidence::suspected};
  }
  return MetaspaceJudgement{Severity::info, Confidence::suspected};
}

std::optional<Forecast> forecast_metaspace(TimestampMs now, const MetaspaceProcess& process) {
  const SteppedGrowth& growth = process.growth;
  if (!process.submissions_left || growth.events_per_ms <= 0 || growth.rate_events < 2) {
    return std::nullopt;
  }
  const double left = std::max(0.0, (*process.limit.bytes - process.occupied) / process.step);
  const double events = growth.rate_events;
  const double watched_ms =
      events / growth.events_per_ms + static_cast<double>(now - growth.steps.back().from);
  const double expected_ms = left * watched_ms / events;
  // Nobody can see further than a few times what was watched.
  if (expected_ms > std::min(6 * watched_ms, 30.0 * kDayMs)) return std::nullopt;
  Forecast forecast;
  const auto after = [&](double ms) { return now + static_cast<DurationMs>(ms); };
  forecast.exhausted_at = after(expected_ms);
  const SubmissionsLeft submissions = submissions_left(process);
  forecast.low = after(gamma_poisson_wait(submissions.low, events, watched_ms, kOneSided));
  if (submissions.high) {
    forecast.high = after(gamma_poisson_wait(*submissions.high, events, watched_ms, 1 - kOneSided));
  }
  return forecast;
}

}  // namespace doctor
