// From what the user configured to what one cluster's judge needs.
#pragma once

#include "agent/config/config.hpp"
#include "agent/judge.hpp"

namespace doctor {

JudgeConfig judge_config(const ClusterConfig& cluster, const Config& config, bool one_shot);

}  // namespace doctor
