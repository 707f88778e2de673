// /jobs/:id/exceptions: which faults Flink remembers, each with its root cause.
#include <algorithm>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "collectors/rest/stack_trace.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

std::string place(const Node& node, const Limits& limits) {
  std::string text = printable(node.text_if().value_or(""), limits.name_bytes_max);
  return text == "(unassigned)" ? std::string{} : text;
}

ExceptionRecord record_of(const std::string& name, const std::string& trace, const Limits& limits) {
  ExceptionRecord record;
  const StackTrace read = read_stack_trace(trace, limits.message_bytes_max);
  record.name = printable(name.empty() ? read.name : name, limits.name_bytes_max);
  record.message = read.message;
  record.root_cause = read.root_cause.empty() ? record.name : read.root_cause;
  record.frames = read.frames;
  return record;
}

/// An entry of the history (≥ 1.13), or one of its concurrent exceptions.
ExceptionRecord entry_of(const Node& node, const Limits& limits) {
  ExceptionRecord record = record_of(node["exceptionName"].text_if().value_or(""),
                                     node["stacktrace"].text_if().value_or(""), limits);
  record.at = node["timestamp"].integer();
  record.task = place(node["taskName"], limits);
  record.task_manager = place(node["taskManagerId"], limits);
  return record;
}

/// A failing task's exception often comes twice: wrapped as the job's, without a place, and as the
/// task's own.
bool absorb_same_fault(ExceptionRecord& root, const ExceptionRecord& concurrent) {
  if (!root.task.empty() || root.root_cause != concurrent.root_cause) return false;
  root.task = concurrent.task;
  root.task_manager = concurrent.task_manager;
  return true;
}

struct Found {
  std::vector<ExceptionRecord> roots;       // newest first, as Flink lists them
  std::vector<ExceptionRecord> concurrent;  // newest first
};

void read_history(const Node& history, const Limits& limits, Found& found) {
  history["entries"].for_each(limits.exceptions_per_job_max, [&](const Node& node) {
    ExceptionRecord root = entry_of(node, limits);
    if (const Node others = node["concurrentExceptions"]; !others.is_none()) {
      others.for_each(limits.exceptions_per_job_max, [&](const Node& other) {
        ExceptionRecord record = entry_of(other, limits);
        if (!absorb_same_fault(root, record)) found.concurrent.push_back(std::move(record));
      });
    }
    found.roots.push_back(std::move(root));
  });
}

/// The older form (≤ 1.20), for answers without a history.
void read_old_form(const Node& root, const Limits& limits, Found& found) {
  if (const Node trace = root["root-exception"]; !trace.is_none()) {
    ExceptionRecord record = record_of("", trace.text(), limits);
    record.at = root["timestamp"].integer();
    found.roots.push_back(std::move(record));
  }
  const Node all = root["all-exceptions"];
  if (all.is_none()) return;
  all.for_each(limits.exceptions_per_job_max, [&](const Node& node) {
    ExceptionRecord record = record_of("", node["exception"].text(), limits);
    record.at = node["timestamp"].integer();
    record.task = place(node["task"], limits);
    record.task_manager = place(node["taskManagerId"], limits);
    if (found.roots.empty() || !absorb_same_fault(found.roots.front(), record)) {
      found.concurrent.push_back(std::move(record));
    }
  });
}

/// Each restart's own fault goes before what fell with it; then oldest first.
std::vector<ExceptionRecord> merged(Found found, std::size_t records_max) {
  std::vector<ExceptionRecord> records = std::move(found.roots);
  std::move(found.concurrent.begin(), found.concurrent.end(), std::back_inserter(records));
  if (records.size() > records_max) records.resize(records_max);
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return records;
}

}  // namespace

Status parse_exceptions(std::string_view body, const Limits& limits, JobFacts& job) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  const Node history = root["exceptionHistory"];
  const bool old_form =
      root.is_object() && (json->contains("all-exceptions") || json->contains("root-exception"));
  Found found;
  if (!history.is_none()) {
    read_history(history, limits, found);
  } else if (root.expect(old_form, "has no exceptionHistory")) {
    read_old_form(root, limits, found);
  }
  if (fault) return *fault;
  job.exceptions = merged(std::move(found), limits.exceptions_per_job_max);
  job.exceptions_known = true;
  return Done{};
}

}  // namespace doctor::rest
