// The words behind every enumeration that people or labels see.
#include "model/detector.hpp"
#include "model/finding.hpp"
#include "model/line_fault.hpp"
#include "model/result.hpp"
#include "model/source.hpp"
#include "model/window.hpp"

namespace doctor {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::name_resolution:
      return "name_resolution";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::reset:
      return "reset";
    case ErrorCode::tls:
      return "tls";
    case ErrorCode::truncated:
      return "truncated";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::http_status:
      return "http_status";
    case ErrorCode::leader_election:
      return "leader_election";
    case ErrorCode::not_flink:
      return "not_flink";
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::gone:
      return "gone";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::io:
      return "io";
    case ErrorCode::invalid_argument:
      return "invalid_argument";
  }
  return "unknown";
}

std::string_view to_string(LineFault fault) {
  switch (fault) {
    case LineFault::no_name:
      return "no_name";
    case LineFault::bad_name:
      return "bad_name";
    case LineFault::bad_labels:
      return "bad_labels";
    case LineFault::bad_escape:
      return "bad_escape";
    case LineFault::duplicate_label:
      return "duplicate_label";
    case LineFault::too_many_labels:
      return "too_many_labels";
    case LineFault::no_value:
      return "no_value";
    case LineFault::bad_value:
      return "bad_value";
    case LineFault::bad_timestamp:
      return "bad_timestamp";
    case LineFault::trailing_text:
      return "trailing_text";
    case LineFault::too_long:
      return "too_long";
    case LineFault::bad_utf8:
      return "bad_utf8";
    case LineFault::bad_json:
      return "bad_json";
  }
  return "unknown";
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::critical:
      return "critical";
  }
  return "unknown";
}

std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::suspected:
      return "suspected";
    case Confidence::confirmed:
      return "confirmed";
    case Confidence::imminent:
      return "imminent";
  }
  return "unknown";
}

std::string_view to_string(FindingState state) {
  switch (state) {
    case FindingState::pending:
      return "pending";
    case FindingState::firing:
      return "firing";
    case FindingState::resolved:
      return "resolved";
  }
  return "unknown";
}

std::string_view to_string(DetectorState state) {
  switch (state) {
    case DetectorState::ok:
      return "ok";
    case DetectorState::firing:
      return "firing";
    case DetectorState::learning:
      return "learning";
    case DetectorState::blind:
      return "blind";
  }
  return "unknown";
}

std::string_view to_string(ClusterStatus status) {
  switch (status) {
    case ClusterStatus::ok:
      return "ok";
    case ClusterStatus::unreachable:
      return "unreachable";
    case ClusterStatus::leader_election:
      return "leader_election";
    case ClusterStatus::partial:
      return "partial";
    case ClusterStatus::gone:
      return "gone";
  }
  return "unknown";
}

std::string_view to_string(SourceKind kind) {
  switch (kind) {
    case SourceKind::rest:
      return "rest";
    case SourceKind::probe:
      return "probe";
    case SourceKind::reporter:
      return "reporter";
    case SourceKind::containers:
      return "containers";
    case SourceKind::logs:
      return "logs";
    case SourceKind::kubernetes:
      return "kubernetes";
  }
  return "unknown";
}

}  // namespace doctor
