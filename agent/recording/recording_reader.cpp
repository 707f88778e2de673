#include "agent/recording/recording_reader.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "agent/recording/format.hpp"
#include "agent/recording/frame.hpp"
#include "agent/recording/settings.hpp"
#include "model/text.hpp"

namespace doctor {

Result<RecordingReader::File> RecordingReader::open_file(const std::string& path) {
  std::error_code fault;
  if (std::filesystem::exists(path, fault) && !std::filesystem::is_regular_file(path, fault)) {
    return Error{ErrorCode::invalid_argument, path + " is no plain file"};
  }
  File file{path, std::make_unique<std::ifstream>(path, std::ios::binary), {}};
  if (!*file.stream) {
    return Error{ErrorCode::io, "cannot read " + path + ": " + std::strerror(errno)};
  }
  const auto wrong = [&](const Error& why) { return Error{why.code, path + ": " + why.message}; };
  if (const Status ok = read_head(*file.stream); !ok) return wrong(ok.error());
  Result<std::optional<Frame>> frame = read_frame(*file.stream);
  if (!frame) return wrong(frame.error());
  if (!*frame) return wrong({ErrorCode::truncated, "ends before its first frame"});
  Decoder decoder;
  decoder.feed((*frame)->bytes, true);
  Record first;
  if (const Status ok = decoder.get(first); !ok) return wrong(ok.error());
  auto* opening = std::get_if<Opening>(&first);
  if (opening == nullptr || opening->clusters.size() > format::kClustersMax) {
    return wrong({ErrorCode::malformed, "does not begin as a recording does"});
  }
  file.opening = std::move(*opening);
  file.stream->clear();
  file.stream->seekg(static_cast<std::streamoff>(format::kHeadBytes));
  return file;
}

Result<RecordingReader> RecordingReader::open(const std::string& path) {
  Result<File> newest = open_file(path);
  if (!newest) return newest.error();
  RecordingReader reader;
  reader.waiting_.push_front(std::move(*newest));
  for (int number = 1; number < RecordSettings::kFilesLimit; ++number) {
    const Opening& younger = reader.waiting_.front().opening;
    if (younger.segment == 0) break;
    Result<File> older = open_file(path + "." + std::to_string(number));
    if (!older || older->opening.recording != younger.recording ||
        older->opening.segment + 1 != younger.segment) {
      break;
    }
    reader.waiting_.push_front(std::move(*older));
  }
  reader.opening_ = reader.waiting_.front().opening;
  reader.files_ = reader.waiting_.size();
  if (reader.opening_.segment > 0) {
    reader.notes_.push_back("the first " + std::to_string(reader.opening_.segment) +
                            " file(s) are not there: what was before is known as far as the agent "
                            "remembers it over a restart");
  }
  return reader;
}

std::optional<Record> RecordingReader::next() {
  while (!ended_) {
    if (!file_ && !begin_file()) return std::nullopt;
    std::optional<Record> record = next_of_file();
    if (!record) continue;
    if (!is_sound(*record)) {
      end("a record that speaks of no cluster of this recording");
    } else if (const auto* entity = std::get_if<EntityMade>(&*record)) {
      make_entity(*entity);
    } else if (const auto* opening = std::get_if<Opening>(&*record)) {
      if (opening->lost > 0) {
        notes_.push_back(std::to_string(opening->lost) + " item(s) before " +
                         format_rfc3339(opening->at) + " never reached the disk");
      }
    } else if (is_oldest_ || std::holds_alternative<StreamItem>(*record)) {
      return record;
    }
  }
  return std::nullopt;
}

bool RecordingReader::begin_file() {
  if (waiting_.empty()) {
    ended_ = true;
    if (decoder_.left_out() > 0) {
      notes_.push_back(std::to_string(decoder_.left_out()) +
                       " series of metrics that this version does not know");
    }
    return false;
  }
  is_oldest_ = waiting_.size() == files_;
  file_ = std::move(waiting_.front());
  waiting_.pop_front();
  was_closed_ = false;
  return true;
}

/// The next record of the present file; nothing when that came to its end, and file_ or ended_ say
/// how.
std::optional<Record> RecordingReader::next_of_file() {
  if (decoder_.at_end() && !begin_frame()) return std::nullopt;
  if (decoder_.at_end()) return std::nullopt;  // an empty frame
  Record record;
  if (const Status ok = decoder_.get(record); !ok) {
    end(ok.error().message);
    return std::nullopt;
  }
  return record;
}

bool RecordingReader::begin_frame() {
  Result<std::optional<Frame>> frame = read_frame(*file_->stream);
  if (!frame) {
    end(frame.error().message);
    return false;
  }
  if (!*frame) {
    if (!was_closed_) {
      notes_.push_back(file_->path +
                       " was not closed: the agent was killed, still writes it, or could not");
    }
    file_.reset();
    return false;
  }
  was_closed_ = ((*frame)->flags & format::kLast) != 0;
  decoder_.feed(std::move((*frame)->bytes), ((*frame)->flags & format::kFresh) != 0);
  return true;
}

/// Whether its cluster is one of the opening's.
bool RecordingReader::is_sound(const Record& record) const {
  ClusterIndex cluster = 0;
  if (const auto* memory = std::get_if<Memory>(&record)) cluster = memory->cluster;
  if (const auto* entity = std::get_if<EntityMade>(&record)) cluster = entity->cluster;
  if (const auto* standing = std::get_if<Standing>(&record)) cluster = standing->item.cluster;
  if (const auto* item = std::get_if<StreamItem>(&record)) cluster = item->cluster;
  return cluster < opening_.clusters.size() || std::holds_alternative<Opening>(record);
}

void RecordingReader::make_entity(const EntityMade& entity) {
  if (entity.cluster >= tables_.size()) return;
  const EntityId parent = decoder_.own_id(entity.cluster, entity.parent);
  // Only the cluster itself has no parent, and every table begins with it.
  const EntityId own = parent == kNoEntity ? kNoEntity
                                           : tables_[entity.cluster]->intern(
                                                 entity.level, parent, entity.name, entity.index);
  decoder_.define(entity.cluster, entity.id, own);
}

void RecordingReader::end(const std::string& why) {
  notes_.push_back("damaged: " + printable(file_->path) + " " + why + "; read up to there");
  ended_ = true;
}

}  // namespace doctor
