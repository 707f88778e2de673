#include "agent/recording/frame.hpp"

#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "agent/recording/format.hpp"

namespace doctor {
namespace {

constexpr std::size_t kWindowBytes = 256U << 10U;
constexpr std::size_t kWindowBytesMin = 4U << 10U;

Error damaged(std::string why) { return Error{ErrorCode::malformed, std::move(why)}; }

void put_u32(std::string& bytes, std::uint32_t number) {
  for (unsigned byte = 0; byte < 4; ++byte) {
    bytes.push_back(static_cast<char>((number >> (8 * byte)) & 0xFFU));
  }
}

std::uint32_t u32_at(const std::string& bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (unsigned byte = 0; byte < 4; ++byte) {
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + byte]))
              << (8 * byte);
  }
  return number;
}

const Bytef* as_input(const std::string& bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());  // NOLINT: zlib's type for bytes
}

std::uint32_t checksum(std::uint8_t flags, const std::string& packed) {
  const Bytef flag = flags;
  const uLong of_flag = ::crc32(0, &flag, 1);
  return static_cast<std::uint32_t>(::crc32_z(of_flag, as_input(packed), packed.size()));
}

/// Up to `count` bytes, in pieces: a length that lies costs no more than what is there.
std::string take(std::istream& file, std::size_t count) {
  std::string bytes;
  while (bytes.size() < count && file) {
    const std::size_t before = bytes.size();
    bytes.resize(before + std::min(count - before, kWindowBytes));
    file.read(bytes.data() + before, static_cast<std::streamsize>(bytes.size() - before));
    bytes.resize(before + static_cast<std::size_t>(file.gcount()));
  }
  return bytes;
}

Result<std::string> unpack(const std::string& packed) {
  z_stream stream{};
  if (::inflateInit(&stream) != Z_OK) return Error{ErrorCode::io, "out of memory"};
  stream.next_in = const_cast<Bytef*>(as_input(packed));  // NOLINT: zlib only reads it
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string bytes;
  int result = Z_OK;
  // Most frames hold a few thousand bytes: a whole window for each would cost more than inflating.
  const std::size_t window = std::clamp(8 * packed.size(), kWindowBytesMin, kWindowBytes);
  while (result == Z_OK && bytes.size() <= format::kFrameBytesMax) {
    const std::size_t before = bytes.size();
    bytes.resize(before + window);
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + before);  // NOLINT
    stream.avail_out = static_cast<uInt>(window);
    result = ::inflate(&stream, Z_NO_FLUSH);
    bytes.resize(bytes.size() - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (bytes.size() > format::kFrameBytesMax) return damaged("a frame larger than any may be");
  if (result != Z_STREAM_END) return damaged("a frame that cannot be inflated");
  return bytes;
}

}  // namespace

std::string pack_head() {
  std::string head(format::kMagic);
  put_u32(head, format::kVersion);
  return head;
}

std::string pack_frame(const Frame& frame) {
  std::string packed(::compressBound(frame.bytes.size()), '\0');
  uLongf size = packed.size();
  ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,  // NOLINT
              as_input(frame.bytes), frame.bytes.size(), Z_DEFAULT_COMPRESSION);
  packed.resize(size);
  std::string whole;
  put_u32(whole, static_cast<std::uint32_t>(packed.size()));
  put_u32(whole, checksum(frame.flags, packed));
  whole.push_back(static_cast<char>(frame.flags));
  return whole + packed;
}

Status read_head(std::istream& file) {
  const std::string head = take(file, format::kHeadBytes);
  const std::string_view magic = format::kMagic.substr(0, head.size());
  if (head.empty() || !head.starts_with(magic)) {
    return Error{ErrorCode::invalid_argument, "is no recording of flink-doctor"};
  }
  if (head.size() < format::kHeadBytes) {
    return Error{ErrorCode::truncated, "ends before its first frame"};
  }
  const std::uint32_t version = u32_at(head, format::kMagic.size());
  if (version == 0 || version > format::kVersion) {
    return Error{ErrorCode::invalid_argument,
                 "was written by a newer flink-doctor: format " + std::to_string(version) +
                     ", this one reads up to " + std::to_string(format::kVersion)};
  }
  return Done{};
}

Result<std::optional<Frame>> read_frame(std::istream& file) {
  const std::string head = take(file, format::kFrameHeadBytes);
  if (head.empty()) return std::optional<Frame>{};
  if (head.size() < format::kFrameHeadBytes) {
    return Error{ErrorCode::truncated, "ends within the head of a frame"};
  }
  const std::uint32_t size = u32_at(head, 0);
  if (size > format::kFrameBytesMax) return damaged("a frame that claims to be too large");
  const std::string packed = take(file, size);
  if (packed.size() < size) return Error{ErrorCode::truncated, "ends within a frame"};
  Frame frame;
  frame.flags = static_cast<std::uint8_t>(head[8]);
  if (checksum(frame.flags, packed) != u32_at(head, 4)) {
    return damaged("a frame whose checksum is wrong");
  }
  Result<std::string> bytes = unpack(packed);
  if (!bytes) return bytes.error();
  frame.bytes = std::move(*bytes);
  return std::optional<Frame>(std::move(frame));
}

}  // namespace doctor
