#include "collectors/query_range/query.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "collectors/exposition/characters.hpp"
#include "collectors/percent_encoding.hpp"
#include "collectors/probe.hpp"
#include "collectors/selection.hpp"
#include "model/text.hpp"

namespace doctor::query_range {
namespace {

constexpr std::string_view kMatcherHelp = " is no matcher such as cluster=orders or pod=~orders-.*";

bool is_label(std::string_view name) {
  return !exposition::take_name(name, false).empty() && name.empty();
}

bool is_plain(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// A double-quoted string of PromQL.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// Stores anchor their regular expressions at both ends.
std::string pattern_of(std::string_view family) {
  std::string pattern;
  for (const char c : family) {
    if (c == '*') {
      pattern += ".+";
    } else {
      pattern += is_plain(c) || c == '_' || c == ':' ? c : '.';
    }
  }
  return pattern;
}

std::string selector_of(const std::string& names, const std::string& rest) {
  return "{__name__=~" + quoted(names) + rest + "}";
}

std::string seconds(TimestampMs at) {
  std::string text = std::to_string(at / kSecondMs);
  const std::string part = std::to_string(1000 + at % kSecondMs);
  return at % kSecondMs == 0 ? text : text + "." + part.substr(1);
}

}  // namespace

Result<Matcher> parse_matcher(std::string_view label, std::string_view value) {
  Matcher matcher{std::string(label), "=", {}};
  for (const std::string_view op : {"=~", "!~", "!=", "="}) {
    if (!value.starts_with(op)) continue;
    matcher.op = op;
    value.remove_prefix(op.size());
    break;
  }
  matcher.value = value;
  const bool is_clean = std::none_of(value.begin(), value.end(), [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0;
  });
  if (is_label(label) && is_clean && value.size() <= 500) return matcher;
  return Error{ErrorCode::invalid_argument,
               "\"" + printable(label, 60) + "\"" + std::string(kMatcherHelp)};
}

Result<Matcher> parse_matcher(std::string_view text) {
  const std::size_t op = text.find_first_of("=!");
  if (op == std::string_view::npos) {
    return Error{ErrorCode::invalid_argument,
                 "\"" + printable(text, 60) + "\"" + std::string(kMatcherHelp)};
  }
  return parse_matcher(text.substr(0, op), text.substr(op));
}

std::vector<std::string> selectors(std::span<const Metric> metrics,
                                   std::span<const Matcher> matchers, std::size_t bytes_wanted) {
  std::string rest;
  for (const Matcher& matcher : matchers) {
    rest.append(",").append(matcher.label).append(matcher.op).append(quoted(matcher.value));
  }
  std::vector<std::string> all;
  std::set<std::string> asked;
  std::string names;
  for (const Metric metric : metrics) {
    std::vector<std::string> families = reporter_families(metric);
    const std::string_view of_probe = info(metric).probe_family;
    if (!of_probe.empty()) {
      families.push_back(std::string(ProbeFamilies::kPrefix).append(of_probe));
    }
    for (const std::string& family : families) {
      // Several metrics may be one family of a probe, told apart by a label.
      if (!asked.insert(family).second) continue;
      names += (names.empty() ? "" : "|") + pattern_of(family);
    }
    if (names.size() < bytes_wanted) continue;
    all.push_back(selector_of(names, rest));
    names.clear();
  }
  if (!names.empty()) all.push_back(selector_of(names, rest));
  return all;
}

std::string range_target(std::string_view selector, TimestampMs from, TimestampMs to,
                         DurationMs step) {
  return "/api/v1/query_range?query=" + percent_encoded(selector) + "&start=" + seconds(from) +
         "&end=" + seconds(to) + "&step=" + seconds(step);
}

}  // namespace doctor::query_range
