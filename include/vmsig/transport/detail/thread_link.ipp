// thread_link: what a turn does for it.
#pragma once

namespace vmsig {

template <class Core>
thread_link<Core>::thread_link(Core& bus, const grant& g, const subscription& s)
    : bus_{bus} {
    std::tie(mine_, theirs_) = thread_end::make();
    handle_ = bus_.attach(*this, g, s);
    attached_ = true;
    session_.open(handle_);
    (void)send_one();
}

template <class Core>
thread_link<Core>::~thread_link() {
    handle_.detach();
    if (!attached_) return;
    mine_.abandon(); // still attached: this is the copy of a forked child
    theirs_.abandon();
}

/// Nobody says hello here.
template <class Core>
expected<control_handle, wire::farewell> thread_link<Core>::admit(const wire::hello&) {
    return unexpected{wire::farewell::protocol};
}

template <class Core>
void thread_link<Core>::drop(wire::farewell why) {
    why_ = why;
    handle_.detach();
}

template <class Core>
void thread_link<Core>::on_detached() {
    attached_ = false;
    mine_.close(why_);
}

/// False: nothing is there, or the answers to it have no room, or the link is no more.
template <class Core>
bool thread_link<Core>::receive_one() {
    if (!attached_ || !session_.can_receive()) return false;
    wire::farewell why = wire::farewell::none;
    const bool any = mine_.receive([&](std::span<const std::byte> bytes, std::span<unique_fd>) {
        why = session_.receive(bytes);
    });
    if (why != wire::farewell::none) drop(why);
    return any;
}

template <class Core>
void thread_link<Core>::on_ready(interests, control_handle) {
    mine_.awake();
    if (mine_.hung_up()) return drop(mine_.farewell());
    for (unsigned n = 0; n < received_per_turn && receive_one(); ++n) continue;
}

/// False: nothing is to be sent, or there is no room.
template <class Core>
bool thread_link<Core>::send_one() {
    if (!session_.wants_to_send()) return false;
    const std::span<std::byte> place = mine_.reserve();
    if (place.empty()) return false;
    std::array<int, max_ram_fds> borrowed{};
    std::array<unique_fd, max_ram_fds> fds{};
    std::size_t fd_count = 0;
    std::size_t size = session_.fill_memctx(place, borrowed, fd_count);
    if (!attached_) return false; // its provider was asked for a memctx, and detached it
    if (size == 0) size = session_.fill(place);
    if (size == 0) return false;
    session_.move_fds(std::span{fds}.first(fd_count));
    session_.sent();
    mine_.send(size, std::span{fds}.first(fd_count));
    return true;
}

/// What the turn has left to send, and then to sleep, or to be called again.
template <class Core>
void thread_link<Core>::flush(control_handle) {
    unsigned sent = 0;
    while (sent < sent_per_turn && send_one()) ++sent;
    const bool more = sent == sent_per_turn && session_.wants_to_send();
    const bool idle = mine_.sleep() || (!session_.can_receive() && !mine_.hung_up());
    if (more || !idle) mine_.call_again();
}

} // namespace vmsig
