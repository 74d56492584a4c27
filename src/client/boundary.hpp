// boundary: what every function of the C face does at its edge: structs of other sizes, exceptions,
// nobody there. Not the functions themselves.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include <vmsig/client/c_api.h>
#include <vmsig/client/client.hpp>

/// What the C face calls a client.
struct vmsig_client {
    std::unique_ptr<vmsig::client> bus;
    vmsig::client_error lost; ///< once there is no `bus`
};

namespace vmsig::abi {

constexpr ::vmsig_result result_of(refusal r) { return static_cast<::vmsig_result>(r); }

/// The first of these sizes that there was: what is shorter comes from nobody's header.
template <class Struct>
inline constexpr std::size_t first_size = sizeof(Struct);
/// Longer ones will not be: that is a `size` which nobody has set.
inline constexpr std::size_t longest = 16 * 1024;

template <class Struct>
bool plausible(const Struct* s) {
    static_assert(sizeof(Struct) <= longest);
    return s && s->size >= first_size<Struct> && s->size <= longest;
}

/// Takes a struct of the caller's header. False: not one that this library understands.
template <class Struct>
bool take(const Struct* in, Struct& out) {
    if (!plausible(in)) return false;
    const auto* bytes = reinterpret_cast<const unsigned char*>(in);
    const auto unknown = [](unsigned char b) { return b != 0; };
    if (in->size > sizeof out && std::any_of(bytes + sizeof out, bytes + in->size, unknown))
        return false;
    std::memcpy(&out, in, std::min<std::size_t>(in->size, sizeof out));
    return true;
}

template <class Struct>
bool has_room(const Struct* out) {
    return plausible(out);
}
/// Fills as much as there is; what the caller's header has beyond this library's is 0.
template <class Struct>
void give(const Struct& from, Struct* out) {
    const std::uint32_t size = out->size;
    std::memset(reinterpret_cast<unsigned char*>(out), 0, size);
    std::memcpy(static_cast<void*>(out), &from, std::min<std::size_t>(size, sizeof from));
    out->size = size;
}

template <std::size_t N>
void give_text(std::string_view from, char (&out)[N]) {
    const std::size_t n = from.copy(out, N - 1);
    std::fill(out + n, out + N, '\0');
}
/// Like strlcpy.
inline std::size_t give_text(std::string_view from, char* out, std::size_t bytes) {
    if (out && bytes != 0) out[from.copy(out, bytes - 1)] = '\0';
    return from.size();
}

inline void give_error(const client_error& from, ::vmsig_client_error* out) {
    if (!has_room(out)) return;
    ::vmsig_client_error e = VMSIG_CLIENT_ERROR_INIT;
    e.farewell = static_cast<std::uint32_t>(from.why);
    e.error = from.cause.code;
    give_text(from.cause.operation, e.operation);
    give(e, out);
}

/// There was no memory in the middle of something: what is known of the connection may be wrong.
inline void abandon(::vmsig_client& c, int code) noexcept {
    c.lost = {wire::farewell::none, {code, code == ENOMEM ? "operator new" : "client"}};
    c.bus.reset();
}

/// Calls f(client&); nothing thrown leaves.
template <class F>
::vmsig_result guarded(::vmsig_client* c, F&& f) noexcept {
    if (!c) return VMSIG_ERROR_ARGUMENT;
    if (!c->bus) return VMSIG_REFUSED_GONE;
    try {
        return f(*c->bus);
    } catch (const std::bad_alloc&) {
        abandon(*c, ENOMEM);
        return VMSIG_ERROR_MEMORY;
    } catch (...) {
        abandon(*c, EIO);
        return VMSIG_ERROR_SYSTEM;
    }
}

constexpr endpoint_id endpoint(std::uint64_t handle) { return {handle}; }
constexpr bool known(std::uint32_t c) { return c < lease_class_count; }
constexpr lease_class class_of(std::uint32_t c) { return static_cast<lease_class>(c); }

/// Of 0, the default.
constexpr std::uint32_t lane_number(lane l) { return static_cast<std::uint32_t>(l) + 1; }

} // namespace vmsig::abi
