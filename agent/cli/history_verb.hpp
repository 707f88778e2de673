// `flink-doctor history`: prints what the history on disk keeps of a metric, beside the agent that
// writes it.
#pragma once

#include <string>

#include "agent/history/history_query.hpp"

namespace CLI {
class App;
}

namespace doctor {

/// "cluster,entity,time,value,least,most,mean", a line for each point; the last three of bins.
std::string history_csv(const HistoryAnswer& answer);
std::string history_json(const HistoryAnswer& answer);

void add_history_verb(CLI::App& app, int& code);

}  // namespace doctor
