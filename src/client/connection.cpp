// The C face: connecting, being connected, closing.
#include "boundary.hpp"

using namespace vmsig;

namespace {

constexpr std::uint32_t version =
    VMSIG_VERSION_MAJOR << 16 | VMSIG_VERSION_MINOR << 8 | VMSIG_VERSION_PATCH;

vmsig_result no_connection(const client_error& why, vmsig_client_error* out) {
    abi::give_error(why, out);
    return why.why == wire::farewell::none ? VMSIG_ERROR_SYSTEM : VMSIG_ERROR_REJECTED;
}

template <class Connect>
vmsig_result open(const vmsig_client_options* options, vmsig_client** out, vmsig_client_error* why,
                  Connect&& connect) noexcept {
    vmsig_client_options given = VMSIG_CLIENT_OPTIONS_INIT;
    if (!out || (why && !abi::has_room(why)) || (options && !abi::take(options, given)))
        return VMSIG_ERROR_ARGUMENT;
    *out = nullptr;
    client_options o;
    if (given.name) o.name = given.name;
    if (given.answer_ns > 0) o.answer = duration{given.answer_ns};
    try {
        auto made = std::make_unique<vmsig_client>();
        auto connected = connect(o);
        if (!connected) return no_connection(connected.error(), why);
        made->bus = std::move(*connected);
        *out = made.release();
        return VMSIG_OK;
    } catch (const std::bad_alloc&) {
        abi::give_error({wire::farewell::none, {ENOMEM, "operator new"}}, why);
        return VMSIG_ERROR_MEMORY;
    } catch (...) {
        abi::give_error({wire::farewell::none, {EIO, "client"}}, why);
        return VMSIG_ERROR_SYSTEM;
    }
}

} // namespace

extern "C" {

std::uint32_t vmsig_client_version() { return version; }

vmsig_result vmsig_client_connect(const char* path, const vmsig_client_options* options,
                                  vmsig_client** out, vmsig_client_error* why) {
    if (!path) return VMSIG_ERROR_ARGUMENT;
    return open(options, out, why,
                [path](const client_options& o) { return client::connect(path, o); });
}

vmsig_result vmsig_client_over(int socket, const vmsig_client_options* options, vmsig_client** out,
                               vmsig_client_error* why) {
    unique_fd owned{socket};
    if (!owned) return VMSIG_ERROR_ARGUMENT;
    return open(options, out, why,
                [&owned](const client_options& o) { return client::over(std::move(owned), o); });
}

void vmsig_client_close(vmsig_client* c) { delete c; }

int vmsig_client_fd(const vmsig_client* c) { return c && c->bus ? c->bus->fd() : -1; }

std::uint64_t vmsig_client_origin(const vmsig_client* c) {
    return c && c->bus ? c->bus->origin().value : 0;
}

int vmsig_client_connected(const vmsig_client* c, vmsig_client_error* why) {
    if (!c) return 0;
    if (c->bus && c->bus->connected()) return 1;
    abi::give_error(c->bus ? c->bus->lost() : c->lost, why);
    return 0;
}

} // extern "C"
