#include "detectors/statistics/shared_cause.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>

#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kSharedMin = 3;
constexpr std::size_t kNamedMax = 8;

void sort_worst_first(std::vector<Finding>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.severity, a.confidence) > std::tie(b.severity, b.confidence);
  });
}

}  // namespace

std::vector<Finding> shared_or_single(const Window& window, std::vector<Finding> findings,
                                      std::size_t judged) {
  sort_worst_first(findings);
  const auto is_tm = [](const Finding& finding) {
    return finding.subject.process == "taskmanager";
  };
  const auto together =
      static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), is_tm));
  if (together < kSharedMin || 2 * together <= judged) return findings;
  Finding shared = *std::find_if(findings.begin(), findings.end(), is_tm);
  const std::string worst = shared.summary;
  Evidence members;
  members.metric = shared.evidence.front().metric;
  members.value = static_cast<double>(together);
  members.unit = "count";
  members.sentence = "They rise together on ";
  std::size_t named = 0;
  for (const Finding& finding : findings) {
    if (!is_tm(finding) || named == kNamedMax) continue;
    members.sentence += (named++ == 0 ? "" : ", ") + finding.subject.task_manager;
  }
  members.sentence = printable(members.sentence + (together > named ? ", …" : "") + ".", 400);
  shared.subject = window.subject();
  shared.subject.process = "taskmanager";
  shared.summary = printable(std::to_string(together) + " of " + std::to_string(judged) +
                                 " processes rise together, so they share a cause; first: " + worst,
                             400);
  shared.evidence.insert(shared.evidence.begin(), std::move(members));
  std::vector<Finding> rest{std::move(shared)};
  std::copy_if(std::make_move_iterator(findings.begin()), std::make_move_iterator(findings.end()),
               std::back_inserter(rest), [&](const Finding& finding) { return !is_tm(finding); });
  return rest;
}

void add_worst_first(Verdict& verdict, std::vector<Finding> findings) {
  sort_worst_first(findings);
  for (Finding& finding : findings) verdict.add(std::move(finding));
}

}  // namespace doctor
