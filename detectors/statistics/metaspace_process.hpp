// The metaspace of one process: its limit, its growth, and how near the end is.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "detectors/statistics/stepped_growth.hpp"
#include "detectors/statistics/submissions.hpp"
#include "model/detector.hpp"

namespace doctor {

struct MetaspaceLimit {
  std::optional<double> bytes;
  std::string source;
  std::string option;
};

struct MetaspaceProcess {
  EntityId id{};
  double used{};
  double occupied{};  // committed where known: the JVM checks the limit against that
  MetaspaceLimit limit;
  SteppedGrowth growth;
  double step{};                           // bytes per submission
  std::optional<double> submissions_left;  // at the next look
  std::optional<double> used_ratio;        // of the limit, at the next look
};

struct MetaspaceJudgement {
  Severity severity{};
  Confidence confidence{};
};

bool is_job_manager(const Window& window, EntityId process);

/// `ordered` as submissions() gives them.
MetaspaceProcess examine_metaspace(const Window& window, const Params& params,
                                   std::span<const Submission> ordered, EntityId id,
                                   const Sample& used);

/// Nothing when there is nothing to say.
std::optional<MetaspaceJudgement> judge_metaspace(const MetaspaceProcess& process,
                                                  const Params& params);

/// When the limit is reached at the present rate of submissions; nothing when that is further away
/// than what was watched allows to say.
std::optional<Forecast> forecast_metaspace(TimestampMs now, const MetaspaceProcess& process);

}  // namespace doctor
