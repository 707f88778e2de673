#include "agent/recording/memory.hpp"

#include <utility>

#include "agent/history/image.hpp"

namespace doctor {

Memory remember(const Judge& judge, ClusterIndex cluster, TimestampMs at) {
  return {cluster, at, findings_image(judge.incidents().report()), features_text(judge.features())};
}

std::vector<std::string> recall(const Memory& memory, Judge& judge) {
  std::vector<std::string> problems;
  if (!memory.findings_image.empty()) {
    Result<std::vector<ReportedFinding>> findings = parse_findings_image(memory.findings_image);
    if (!findings) {
      problems.push_back("remembered findings are not usable: " + findings.error().message);
    } else {
      for (ReportedFinding& finding : *findings) {
        judge.incidents().restore(std::move(finding), memory.at);
      }
    }
  }
  if (!memory.features_image.empty()) {
    if (const Status ok = judge.restore(memory.features_image, memory.at); !ok) {
      problems.push_back("remembered features are not usable: " + ok.error().message);
    }
  }
  return problems;
}

}  // namespace doctor
