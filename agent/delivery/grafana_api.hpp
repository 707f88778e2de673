// The part of Prometheus' HTTP API that makes the agent a data source which Grafana lists alerts
// from: the shapes of Prometheus 2.42 (web/api/v1/api.go), filled from the View.
#pragma once

#include <string>
#include <string_view>

#include "agent/view.hpp"

namespace doctor {

struct ApiAnswer {
  int status{200};
  std::string body;  // JSON
};

ApiAnswer prometheus_buildinfo(std::string_view agent_version);
/// One group per cluster, one alerting rule per detector. `query`: "type=alert|record".
ApiAnswer prometheus_rules(const View& view, std::string_view query);
ApiAnswer prometheus_alerts(const View& view);
/// Only "1+1", which Grafana's "save and test" asks; there is no query language here.
ApiAnswer prometheus_query(std::string_view query, TimestampMs now);
ApiAnswer prometheus_labels();

/// The decoded value of one parameter of "a=1&b=x%20y"; empty when it is not there.
std::string query_parameter(std::string_view query, std::string_view name);

}  // namespace doctor
