// Which canonical metrics a cluster shows, through its reporters and through REST alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "model/facts.hpp"
#include "model/metric.hpp"
#include "model/result.hpp"

namespace doctor {

struct SurveyRow {
  const MetricInfo* metric{};
  bool in_version{true};  // this Flink has it, given that its feature is in use
  std::size_t reporter_series{0};
  std::size_t rest_series{0};
};

struct Survey {
  std::optional<FlinkVersion> version;
  bool reporters_asked{false};
  std::vector<SurveyRow> rows;  // in the catalogue's order
};

/// Two polls of one cluster, `wait_ms` apart. An error when its REST interface does not answer.
Result<Survey> survey(const Config& config, DurationMs wait_ms);

std::string survey_text(const Survey& survey);
std::string survey_json(const Survey& survey);

}  // namespace doctor
