#include "bench/disk/writing.hpp"

#include <cstdio>

#include "agent/history/history_files.hpp"

namespace doctor::bench {

bool settle(Archive& archive, TimestampMs now) {
  Result<bool> more = true;
  while (more && *more) more = archive.maintain(now);
  if (!more) std::fprintf(stderr, "%s\n", more.error().message.c_str());
  return more.ok();
}

bool write(Archive& archive, std::vector<Source>& sources, TimestampMs from, TimestampMs to,
           const Copy& copy) {
  std::int64_t seq = from * 1000;
  std::size_t scrapes = 0;
  for (TimestampMs at = from; at < to; at += kScrapeMs, ++scrapes) {
    std::vector<HistoryRow> rows;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::vector<double>& values = sources[i].mix.next();
      HistoryRow& row = rows.emplace_back(HistoryRow{++seq, sources[i].id, at, values, {}});
      const auto number = static_cast<SourceId>(i);
      if (at == from) row.added = NewColumns{"bench", number, 0, sources[i].names};
      if (copy) copy(i, at, values);
    }
    archive.take(std::move(rows), at);
    const bool durable = scrapes % 20 == 0;  // until then it keeps what it has written
    if (!archive.commit(at, durable)) return false;
    if (durable && !settle(archive, at)) return false;
  }
  return archive.commit(to, true).ok();
}

double bytes_in(const std::string& directory) {
  double sum = 0;
  for (const HistoryFile& file : history_files(directory)) sum += static_cast<double>(file.bytes);
  return sum;
}

}  // namespace doctor::bench
