#include "faulty_disk.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

namespace doctor {
namespace {

using Fault = FaultyDisk::Fault;

struct ShimFile {
  sqlite3_file base;
  FaultyDisk* disk;
  std::string* path;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

ShimFile& shim(sqlite3_file* file) { return *reinterpret_cast<ShimFile*>(file); }
const sqlite3_io_methods& methods(sqlite3_file* file) { return *shim(file).real()->pMethods; }
FaultyDisk& disk(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

int close_file(sqlite3_file* file) {
  const int result = methods(file).xClose(shim(file).real());
  delete shim(file).path;
  return result;
}

int read_file(sqlite3_file* file, void* into, int count, sqlite3_int64 offset) {
  if (const int fault = shim(file).disk->admit(Fault::read); fault != SQLITE_OK) return fault;
  return methods(file).xRead(shim(file).real(), into, count, offset);
}

int write_file(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  FaultyDisk& disk = *shim(file).disk;
  for (const Fault kind : {Fault::write, Fault::full, Fault::short_write}) {
    const int fault = disk.admit(kind);
    if (fault == SQLITE_OK) continue;
    if (kind == Fault::short_write) {
      methods(file).xWrite(shim(file).real(), bytes, count / 2, offset);
      disk.wrote(*shim(file).path,
                 {offset,
                  std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count / 2)),
                  false});
    }
    return fault;
  }
  if (const int fault = disk.admit(Fault::none); fault != SQLITE_OK) return fault;
  disk.wrote(*shim(file).path,
             {offset, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count)),
              false});
  return methods(file).xWrite(shim(file).real(), bytes, count, offset);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (const int fault = shim(file).disk->admit(Fault::none); fault != SQLITE_OK) return fault;
  shim(file).disk->wrote(*shim(file).path, {size, "", true});
  return methods(file).xTruncate(shim(file).real(), size);
}

/// Does not really sync: the machine stays up, and time is short.
int sync_file(sqlite3_file* file, int) {
  FaultyDisk& disk = *shim(file).disk;
  if (const int fault = disk.admit(Fault::sync); fault != SQLITE_OK) return fault;
  if (const int fault = disk.admit(Fault::none); fault != SQLITE_OK) return fault;
  disk.synced(*shim(file).path);
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return methods(file).xFileSize(shim(file).real(), size);
}
int lock_file(sqlite3_file* file, int level) {
  return methods(file).xLock(shim(file).real(), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return methods(file).xUnlock(shim(file).real(), level);
}
int check_lock(sqlite3_file* file, int* held) {
  return methods(file).xCheckReservedLock(shim(file).real(), held);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return methods(file).xFileControl(shim(file).real(), operation, argument);
}
int sector_size(sqlite3_file* file) { return methods(file).xSectorSize(shim(file).real()); }
int traits(sqlite3_file* file) { return methods(file).xDeviceCharacteristics(shim(file).real()); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** into) {
  return methods(file).xShmMap(shim(file).real(), page, size, extend, into);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return methods(file).xShmLock(shim(file).real(), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { methods(file).xShmBarrier(shim(file).real()); }
int shm_unmap(sqlite3_file* file, int removes) {
  return methods(file).xShmUnmap(shim(file).real(), removes);
}

const sqlite3_io_methods kMethods{2,           close_file,  read_file, write_file,  truncate_file,
                                  sync_file,   file_size,   lock_file, unlock_file, check_lock,
                                  control,     sector_size, traits,    shm_map,     shm_lock,
                                  shm_barrier, shm_unmap,   nullptr,   nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* got) {
  ShimFile& opened = shim(file);
  opened.base.pMethods = nullptr;
  FaultyDisk& on = disk(vfs);
  if (const int fault = on.admit(Fault::open); fault != SQLITE_OK) return fault;
  if (name != nullptr && !std::filesystem::exists(name)) {
    if (const int fault = on.admit(Fault::none); fault != SQLITE_OK) return SQLITE_CANTOPEN;
  }
  if (name != nullptr) on.opened(name);
  const int result = on.real()->xOpen(on.real(), name, opened.real(), flags, got);
  if (result != SQLITE_OK) return result;
  opened.disk = &on;
  opened.path = new std::string(name == nullptr ? "" : name);
  opened.base.pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync) {
  FaultyDisk& on = disk(vfs);
  if (on.admit(Fault::none) != SQLITE_OK) return SQLITE_IOERR_DELETE;
  on.deleted(name);
  return on.real()->xDelete(on.real(), name, sync & 0);
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void apply_write(std::string& bytes, const FaultyDisk::Write& write) {
  const auto offset = static_cast<std::size_t>(write.offset);
  if (write.truncates) return bytes.resize(offset);
  bytes.resize(std::max(bytes.size(), offset + write.bytes.size()));
  bytes.replace(offset, write.bytes.size(), write.bytes);
}

std::atomic<FaultyDisk*> present{nullptr};

}  // namespace

/// Stands in front of the C library's, in all of the program.
extern "C" int rename(const char* from, const char* to) noexcept {
  FaultyDisk* const disk = present;
  if (disk != nullptr &&
      (disk->admit(Fault::rename) != SQLITE_OK || disk->admit(Fault::none) != SQLITE_OK)) {
    errno = EIO;
    return -1;
  }
  const long result = ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && disk != nullptr) disk->renamed(from, to);
  return static_cast<int>(result);
}

FaultyDisk::FaultyDisk() : real_(sqlite3_vfs_find(nullptr)) {
  shim_ = *real_;
  shim_.zName = "faulty";
  shim_.szOsFile = static_cast<int>(sizeof(ShimFile)) + real_->szOsFile;
  shim_.pAppData = this;
  shim_.xOpen = open_file;
  shim_.xDelete = delete_file;
  // The others look into their own VFS for nothing.
  sqlite3_vfs_register(&shim_, 1);
  present = this;
}

FaultyDisk::~FaultyDisk() {
  present = nullptr;
  sqlite3_vfs_unregister(&shim_);
  sqlite3_vfs_register(real_, 1);
}

void FaultyDisk::fail(Fault kind, int nth, bool for_good) {
  const std::scoped_lock lock(mutex_);
  kind_ = kind;
  countdown_ = nth;
  for_good_ = for_good;
  struck_ = false;
}

void FaultyDisk::die_at(int nth) {
  const std::scoped_lock lock(mutex_);
  life_ = nth;
  dead_ = struck_ = false;
}

void FaultyDisk::heal() {
  const std::scoped_lock lock(mutex_);
  kind_ = Fault::none;
  life_ = 0;
  dead_ = false;
}

int FaultyDisk::admit(Fault kind) {
  const std::scoped_lock lock(mutex_);
  if (kind == Fault::none) {
    if (life_ > 0 && --life_ == 0) dead_ = struck_ = true;
    return dead_ ? SQLITE_IOERR_WRITE : SQLITE_OK;
  }
  if (kind != kind_ || countdown_ == 0 || --countdown_ > 0) return SQLITE_OK;
  struck_ = true;
  if (for_good_) countdown_ = 1;
  switch (kind) {
    case Fault::full:
      return SQLITE_FULL;
    case Fault::sync:
      return SQLITE_IOERR_FSYNC;
    case Fault::open:
      return SQLITE_CANTOPEN;
    case Fault::read:
      return SQLITE_IOERR_READ;
    default:
      return SQLITE_IOERR_WRITE;
  }
}

void FaultyDisk::opened(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!files_.contains(path)) files_[path].synced = content(path);
}

void FaultyDisk::wrote(const std::string& path, Write write) {
  const std::scoped_lock lock(mutex_);
  files_[path].pending.push_back(std::move(write));
}

void FaultyDisk::synced(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  Tracked& file = files_[path];
  for (const Write& write : file.pending) apply_write(file.synced, write);
  file.pending.clear();
}

void FaultyDisk::deleted(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  files_.erase(path);
}

void FaultyDisk::renamed(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  auto file = files_.extract(from);
  files_.erase(to);
  if (file.empty()) return;
  file.key() = to;
  files_.insert(std::move(file));
}

void FaultyDisk::lose_power(unsigned seed) {
  const std::scoped_lock lock(mutex_);
  std::mt19937 random(seed);
  const unsigned how = seed % 4;  // none of the rest, its beginning, any of it, all of it
  for (auto& [path, file] : files_) {
    std::filesystem::remove(path + "-shm");
    if (!std::filesystem::exists(path)) continue;
    const std::size_t cut = file.pending.empty() ? 0 : random() % (file.pending.size() + 1);
    for (std::size_t i = 0; i < file.pending.size(); ++i) {
      const bool stays = how == 3 || (how == 1 && i < cut) || (how == 2 && random() % 2 == 0);
      if (stays) apply_write(file.synced, file.pending[i]);
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << file.synced;
  }
  files_.clear();
}

}  // namespace doctor
