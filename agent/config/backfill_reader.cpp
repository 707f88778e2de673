#include "agent/config/backfill_reader.hpp"

#include <utility>

namespace doctor {

BackfillBlock BackfillReader::read_backfill(const YAML::Node& node, const std::string& path) {
  BackfillBlock block;
  block.path = path;
  HttpAccess access{path + ".tls", path + ".auth"};
  const auto set = [this](std::optional<DurationMs>& into) {
    return [this, &into](const YAML::Node& n, const std::string& p) {
      duration(n, p, into.emplace());
    };
  };
  const auto match = [&](const YAML::Node& n, const std::string& p) {
    for (const auto& [label, value] : map_of_texts(n, p)) {
      const auto matcher = query_range::parse_matcher(label, value);
      if (!matcher) {
        complain(p, matcher.error().message);
      } else {
        block.match[label] = *matcher;
      }
    }
  };
  const auto url = [&](const YAML::Node& n, const std::string& p) {
    Result<Endpoint> store = parse_url(text(n, p), 9090);
    if (!store) return complain(p, store.error().message);
    block.store = std::move(*store);
  };
  fields(node, path,
         {{"url", url},
          {"match", match},
          {"window", set(block.window_ms)},
          {"step", set(block.step_ms)},
          {"patience", set(block.patience_ms)},
          {"tls", [&](const YAML::Node& n, const std::string& p) { read_tls(n, p, access); }},
          {"auth", [&](const YAML::Node& n, const std::string& p) { read_auth(n, p, access); }}});
  const bool says_access = access.has_tls() || access.has_auth();
  if (!block.store && says_access) complain(path, "tls and auth go with a url of their own");
  if (block.store) block.store->access = settle(std::move(access), block.store->tls);
  return block;
}

std::optional<BackfillSettings> BackfillReader::settings_of(
    const BackfillBlock& block, const std::optional<BackfillBlock>& general) {
  const BackfillBlock common = general.value_or(BackfillBlock{});
  BackfillSettings settings;
  const std::optional<Endpoint>& store = block.store ? block.store : common.store;
  if (!store) {
    complain(block.path, "needs a url: of a store with /api/v1/query_range below it");
    return std::nullopt;
  }
  settings.store = *store;
  std::map<std::string, query_range::Matcher> match = common.match;
  for (const auto& [label, matcher] : block.match) match[label] = matcher;
  for (const auto& [label, matcher] : match) settings.match.push_back(matcher);
  const auto take = [](DurationMs& into, const std::optional<DurationMs>& own,
                       const std::optional<DurationMs>& other) {
    into = own ? *own : other.value_or(into);
  };
  take(settings.window_ms, block.window_ms, common.window_ms);
  take(settings.step_ms, block.step_ms, common.step_ms);
  take(settings.patience_ms, block.patience_ms, common.patience_ms);
  const std::string problem = problem_of(settings);
  if (!problem.empty()) complain(block.path, problem);
  return settings;
}

}  // namespace doctor
