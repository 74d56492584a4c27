// core, members: the private part of the class. Included in its body.

struct host_watch {
    watch_id id;
    unique_fd fd;
    fd_callback callback;
    posted cleanup;
    std::uint16_t next_ending = 0; ///< place + 1
};
/// What a provider answered: where its memory is, and the descriptors, which stay its own.
struct shown_memory {
    memctx_locator where;
    ram_fds fds;
};
class change;
class turn_scope;
using node_index = std::uint16_t;
using endpoint_type = detail::endpoint_slot<limits>;

static constexpr std::uint32_t node_count =
    std::uint32_t{limits::controls} * limits::commands_per_control;
static constexpr std::uint32_t lease_cells = limits::endpoints * lease_class_count;
static constexpr std::uint32_t class_cells = limits::endpoints * command_class_count;
/// Keys of the timer heap: commands, leases, paces, drains.
static constexpr std::uint32_t lease_timers = node_count;
static constexpr std::uint32_t pace_timers = lease_timers + lease_cells;
static constexpr std::uint32_t drain_timers = pace_timers + class_cells;
static constexpr std::uint32_t timer_count = drain_timers + class_cells;
/// In braces, which refuse limits that are too much for 16 bits.
static constexpr std::uint16_t watch_count{limits::adapters * limits::watches_per_adapter +
                                           limits::controls + limits::host_watches};
/// The most that one change can cause: each lease ends, is granted again and told, each waiter is
/// told, each endpoint's epoch, memctx and state change, everybody replays.
static constexpr std::uint16_t safety_events{lease_cells * (4 + limits::waiters_per_cell) +
                                             limits::endpoints * 8 + limits::controls};
/// Blocks that only commands may take, so that nobody's share is taken by another.
static constexpr std::uint16_t command_blocks{limits::controls * limits::payloads_per_control};
/// Blocks that stand for what controls may pin.
static constexpr std::uint16_t pin_blocks{limits::controls * limits::pins_per_control};
static constexpr std::uint16_t all_blocks{limits::payload_blocks + command_blocks + pin_blocks};

// routing
std::uint64_t subscribers(const detail::routing_rows& rows, audience a, source s) const;
bool emit(adapter_id from, event& e);
[[gnu::cold]] bool emit_pooled(adapter_id from, event& e);
bool route(endpoint_id at, event& e);
bool emittable(kind k) const {
    const auto n = static_cast<unsigned>(k);
    return n < max_kinds && kinds_[n].audience != audience::addressee;
}
[[gnu::noinline]] bool route_own(endpoint_id at, event& e);
bool publish(endpoint_id at, event& e);
[[gnu::noinline]] bool defer(endpoint_id at, const event& e, std::uint64_t to, audience a,
                             bool safety);
template <class P>
void tell(endpoint_id at, const P& payload, std::uint64_t to, bool firm,
          const detail::event_context& about = {});
template <class P>
void tell_subscribers(endpoint_id at, const P& payload, const detail::event_context& about = {});
void deliver(std::uint64_t to, const event& e, audience a);
template <class P, class Add>
std::uint64_t fold(endpoint_id at, const P& latest, std::uint64_t to, Add&& add,
                   const detail::event_context& about = {});
/// Whoever holds any right on it and has had its replay.
std::uint64_t visible_to(const endpoint_type& ep) const {
    return rows_[ep.id.slot()].rights[static_cast<unsigned>(audience::any_right)];
}
void settle_deferred() {
    if (depth_ == 0 && !deferred_.empty()) deliver_deferred();
}
void deliver_deferred();
void deliver_deferred_event(std::uint32_t item);
void mark_seen(detail::routing_rows& rows, const event& e, std::uint64_t to);
void mark_given(const event& e, std::uint64_t to);
void deliver_receipt(node_index n);
void silence(unsigned slot);
void note_loss(endpoint_id at, const event& e, std::uint64_t to);
void forget_losses(endpoint_type& ep, std::uint64_t controls);
void tell_gaps(endpoint_type& ep);

// admission
submit_result submit(origin_id who, const command& c, std::span<const std::byte> bulk);
refusal admissible(const detail::control_slot& who, const command& c,
                   std::span<const std::byte> bulk);
static refusal well_formed(const command& c, std::span<const std::byte> bulk);
static refusal input_well_formed(const command& c, std::span<const std::byte> bulk);
static refusal write_well_formed(const command& c, std::size_t bulk);
template <class F>
static auto with_frame(const command& c, std::span<const std::byte> bulk, F&& f);
refusal placed(detail::adapter_slot& a, const detail::control_slot& who, const command& c,
               std::span<const std::byte> bulk);
static refusal frame_well_formed(const command& c, std::span<const std::byte> bulk);
refusal served(const detail::control_slot& who, const endpoint_type& ep, const command& c,
               std::span<const std::byte> bulk);
refusal fenced(const detail::control_slot& who, const endpoint_type& ep, const command& c) const;
bool has_seen(const detail::control_slot& who, const endpoint_type& ep) const;
submit_result refuse(origin_id who, const command& c, refusal why);
static bool charge(ledger& to, bool timer, bool payload);
node_index take_node(unsigned control, std::size_t bulk);
submit_result refuse_charged(detail::control_slot& who, const command& c, std::size_t room,
                             bool recorded);
void free_node(node_index n);
void accept(node_index n, const command& c);
cancel_result cancel(origin_id who, correlation_id id);
refusal may(origin_id who, verb v, endpoint_id at) const;

// execution
void make_eligible(node_index n);
void follow(node_index n);
bool delayed(node_index n);
void enqueue(node_index n);
void dispatch_commands();
void consider(node_index n);
bool blocked(const detail::class_cell& cell, const detail::command_node& node) const;
/// For the releases that are owed; and, if it is fenced by epoch, for the end of the verb that has
/// raised it, before which nobody knows of which incarnation the machine is.
static bool class_waits(const endpoint_type& ep, command_class c) {
    return (c == command_class::input && ep.neutral_owed) ||
           (fenced_class(c) && ep.epochs.commanded());
}
void park(detail::class_cell& cell, node_index n);
void unpark(std::uint32_t cell);
outcome still_fenced(const detail::command_node& node) const;
void execute(node_index n);
void execute_input(node_index n);
void hand_to(node_index n, detail::adapter_slot* to);
void hand_over(node_index n, detail::adapter_slot& to);
void read_memory(node_index n);
node_index handed_node(adapter_id to, correlation_id id);
expected<taken_command, outcome> take(adapter_id by, correlation_id id);
outcome take_frame(node_index n, std::span<const input_change>& frame);
void complete(adapter_id by, correlation_id id, const completion& how);
void finish(node_index n);
void begin_hold(node_index n);
void end_hold(node_index n);
void leave_lists(node_index n);
void end_command(node_index n, const completion& how);
void conclude(node_index n);
void leave_waiting(node_index n);
void after_commanded(node_index n, outcome how, bool absorbed);
void end_command(node_index n, outcome o) { end_command(n, completion{.outcome = o}); }
void no_longer_begun(node_index n);
void on_command_timer(node_index n);
template <class F>
void for_each_command(endpoint_type& ep, command_class c, F&& f);
detail::adapter_slot* executor_of(const command& c, std::span<const std::byte> bulk);
detail::adapter_slot* input_executor(const command& c, std::span<const std::byte> bulk);
bool frame_acts(node_index n);
std::span<input_change> frame_of(detail::command_node& node);
void shorten_frame(detail::command_node& node, std::size_t changes);
node_index first_parked(const detail::class_cell& cell, unsigned l, origin_id issuer) const;
void leave_parking(detail::class_cell& cell, node_index n);
void execute_destructive(node_index n);
bool raise_for(node_index n);
void wait_for_notices(node_index n);
void set_command_timer(node_index n);

// leases
acquire_result acquire(origin_id who, endpoint_id at, lease_class c, const lease_options& o);
acquire_result contend(origin_id who, endpoint_id at, lease_class c, const lease_request& request);
acquire_result queue_up(origin_id who, endpoint_id at, lease_class c, const lease_request& request,
                        const plan& p);
refusal may_contend(origin_id who, endpoint_id at, lease_class c) const;
void refund_wait(origin_id who);
void make_room_to_ask(endpoint_id at, lease_class c, std::uint32_t rank);
void tell_lease_changed(const lease_changed& changed, origin_id who);
void tell_lease_asked(endpoint_id at, lease_class c, std::uint32_t challenger_rank,
                      instant deadline);
void tell_lease_lost(const lease_lost& lost, origin_id owner);
acquire_result refuse_lease(origin_id who, endpoint_id at, lease_class c, refusal why);
expected<serial_number, refusal> grant_lease(endpoint_id at, lease_class c,
                                             const lease_request& request, wait_id wait);
/// `by`: whose act ended it, 0: nobody's.
void end_lease(endpoint_id at, lease_class c, lease_end why, origin_id by = {},
               bool hand_on = true);
void hand_on_lease(endpoint_id at, lease_class c);
bool may_hold(const lease_request& request, endpoint_id at, lease_class c) const;
void end_wait(endpoint_id at, lease_class c, const waiter& w, lease_end why);
void arm_lease_timer(endpoint_id at, lease_class c);
void on_lease_timer(std::uint32_t cell);
refusal release(origin_id who, const lease& l);
refusal renew(origin_id who, const lease& l, duration time_to_live);
refusal withdraw(origin_id who, wait_id w);
expected<lease_view, refusal> status(origin_id who, endpoint_id at, lease_class c) const;
refusal force_release(origin_id who, endpoint_id at, lease_class c);
expected<std::size_t, refusal> read_audit(origin_id who, endpoint_id at, std::size_t last,
                                          function_ref<void(const audit_record&)> f) const;
expected<endpoint_statistics, refusal> statistics(origin_id who, endpoint_id at) const;
void end_leases_of(detail::control_slot& who, std::uint64_t keep_endpoints);

// input
void neutral(endpoint_type& ep, lease_end why, origin_id whose);
void neutral(endpoint_type& ep, lease_end why) {
    neutral(ep, why, arbiter_.owner(lease_cell(ep.id, lease_class::input)));
}
void note_neutral(const endpoint_type& ep, lease_end why, origin_id whose, std::size_t released);
void lift(endpoint_type& ep, detail::adapter_slot& a, lease_end why, const held_set& kept);
void forget_held(endpoint_type& ep, const detail::adapter_slot& a);
void input_failed(node_index n);
void pay_neutral(endpoint_type& ep);
void neutral_paid(endpoint_type& ep);
void release_for_safety(endpoint_type& ep);
void owe(endpoint_type& ep, input_frame releases);
detail::adapter_slot* input_adapter_for(const endpoint_type& ep, const input_change& c);
void input_ready(adapter_id by);
void start_drain(endpoint_type& ep, command_class c);
void drained(endpoint_type& ep, command_class c);
void on_drain_timer(std::uint32_t cell);

// epochs
void on_lifecycle(endpoint_id at, lifecycle l);
void tell_lifecycle(endpoint_id at, const lifecycle& l);
void raise_for_absorbed(endpoint_type& ep);
void lose_held(endpoint_type& ep);
void roll_over(endpoint_type& ep, epoch_number last, transition what, cause why, origin_id by = {},
               correlation_id with = {});
void end_stale_commands(endpoint_type& ep);
void end_commanded_leases(endpoint_type& ep, const command& by);
void tell_epoch(endpoint_type& ep, transition what, cause why, const detail::event_context& about);
void ask_provider(endpoint_type& ep);

// memory
bool publish_memctx(adapter_id by, epoch_number of);
expected<memctx_locator, os_error> describe(endpoint_type& ep);
void recall_memctx(endpoint_type& ep, const memctx_recall& recall, transition why,
                   epoch_number last);
expected<memctx_export, refusal> memctx(origin_id who, endpoint_id at);
expected<void, os_error> export_fds(endpoint_type& ep, uid_t receiver, memctx_export& out);
void memctx_lost(origin_id who, endpoint_id at);
refusal refresh(origin_id who, endpoint_id at);
bool blocks_to_share() const;
payload_id allocate(adapter_id by, std::uint32_t bytes);
bool owns_block(adapter_id who, payload_id p) const;
void discard(adapter_id by, payload_id p);
void discard_blocks_of(adapter_id who);
refusal pin(origin_id who, payload_id p);
void unpin(origin_id who, payload_id p);
std::span<const std::byte> payload_of(origin_id who, payload_id p);
expected<shown_memory, completion> guest_memory(endpoint_type& ep);
static completion read_guest(const shown_memory& from, const memory_access& m,
                             std::span<std::byte> into);

// endpoints, adapters, controls, replay
static constexpr bool fits(std::string_view name, std::size_t most) {
    return !name.empty() && name.size() <= most && name.find('\0') == std::string_view::npos;
}
endpoint_type* find_endpoint(endpoint_id id);
const endpoint_type* find_endpoint(endpoint_id id) const;
detail::adapter_slot* find_adapter(adapter_id id);
detail::adapter_slot* serving(const endpoint_type& ep, role r) {
    return find_adapter(ep.served[static_cast<unsigned>(r)]);
}
detail::control_slot* find_control(origin_id id);
const detail::control_slot* find_control(origin_id id) const;
expected<endpoint_id, refusal> find_visible(origin_id who, std::string_view name);
adapter_id bind_adapter(void* self, const adapter_table& table, endpoint_id to);
setup_fault claim_roles(endpoint_type& ep, detail::adapter_slot& a);
void detach_adapter(adapter_id id, bool fault);
void end_commands_at(const detail::adapter_slot& a, endpoint_type& ep, command_class c);
void end_work_of(detail::adapter_slot& a, endpoint_type& ep, bool fault);
void drop_role(endpoint_type& ep, role r, adapter_id id);
control_handle bind_control(void* self, const control_table& table, const grant& g,
                            const subscription& s, const detail::brought_along& with);
unsigned free_control_slot() const;
void stop_callbacks(detail::control_slot& c);
void end_commands_of(detail::control_slot& who);
refusal subscribe(origin_id who, const subscription& s);
refusal want(origin_id who, interests what);
void narrow(detail::control_slot& who, bool regranted);
void take_back(detail::control_slot& who, bool regranted);
void revoke(detail::control_slot& who);
void open_rows(detail::control_slot& who, const endpoint_type& ep);
void request_replay(detail::control_slot& who, std::uint64_t endpoint_slots);
void run_replays();
void replay(detail::control_slot& who, endpoint_type& ep);
void replay_retained(kind k, endpoint_type& ep, unsigned to);
bool permitted(const detail::control_slot& who, endpoint_id at, audience a) const;

// watches
expected<watch_id, os_error> add_watch(detail::watch_owner owner, std::uint16_t place, int fd,
                                       interests what, cookie c);
void drop_watch(watch_id id);
detail::watch_slot* find_watch(watch_id id);
std::uint16_t& watches_of(int fd);
void forget_descriptor(detail::watch_slot& w);
expected<watch_id, os_error> watch_for(adapter_id by, int fd, interests what, cookie c);
expected<void, os_error> rearm(adapter_id by, watch_id w, interests what);
void unwatch_for(adapter_id by, watch_id w);
void on_ready(const readiness& r);
void on_rarely_ready(detail::watch_slot& w, interests what);
void on_hung_up(detail::watch_slot& w, interests what);
void end_host_watch(std::uint16_t place);

// turn
bool turn(bool block, std::uint32_t budget);
[[noreturn]] void refuse_attachment(setup_fault fault, const char* why);
void settle();
void run_posts();
void wake_for_post() noexcept;
void run_timers();
void reap();
void flush();
template <class F, class... Args>
auto call(detail::adapter_slot& a, F&& entry, Args&&... args)
    -> std::invoke_result_t<F, adapter_binding&, Args...>;
bool work_owed() const;
bool work_left() const;
[[gnu::noinline]] void ring_once();
/// For what counts from now: between turns the clock was read long ago.
instant fresh_now() {
    if (!in_turn_) now_ = reactor_.now();
    return now_;
}

void note(audit_record r);
void write_reserved(audit_record r);
auto queue_links() {
    return [this](node_index n) -> dlink& { return nodes_[n].queue; };
}
auto cell_links() {
    return [this](node_index n) -> dlink& { return nodes_[n].cell; };
}
node_index node_of(correlation_id id) const {
    const std::uint32_t n = id ? id.slot() : node_count;
    return n < node_count && nodes_[n].id == id ? static_cast<node_index>(n) : no_node;
}
detail::class_cell& cell_of(const detail::command_node& n) { return cells_[n.cell_number]; }
detail::class_cell& cell_at(endpoint_id at, command_class c) { return cells_[cell_number(at, c)]; }
static std::uint32_t cell_number(endpoint_id at, command_class c) {
    return at.slot() * command_class_count + static_cast<std::uint32_t>(c);
}
static const control_api& control_functions();
static const adapter_api& adapter_functions();
/// In a forked child: whatever acts would act on what belongs to the parent.
bool inert() const { return anchor_->core.load(std::memory_order_relaxed) != this; }
static core& self(void* p) { return *static_cast<core*>(p); }
/// Nobody else is in the middle of a turn.
bool on_loop_thread() const {
    const void* t = turn_thread_.load(std::memory_order_relaxed);
    return !t || t == this_thread() || inert();
}
static const void* this_thread() {
    static thread_local const char here = 0;
    return &here;
}

reactor_type reactor_;
anchor* anchor_ = nullptr;
[[no_unique_address]] observer_type observer_;
basic_auditor<audit_sink_type> audit_;
lease_arbiter<arbitration_type, limits::waiters_per_cell> arbiter_;
timer_heap timers_;
block_pool<payload_id> pool_;
std::vector<adapter_id> block_owners_; ///< who allocated a block and has not emitted it yet
post_queue posts_;
call_watch calls_;
detail::deferral deferred_;
fair_queue queue_;

detail::delivery delivery_;
std::array<detail::sink, limits::controls> sinks_{};
std::vector<detail::routing_rows> rows_;
std::vector<endpoint_type> endpoints_;
std::vector<detail::class_cell> cells_; ///< by endpoint and class of commands
std::vector<detail::adapter_slot> adapters_;
std::unique_ptr<detail::control_slot[]> controls_;
std::unique_ptr<detail::command_node[]> nodes_;
std::unique_ptr<std::uint64_t[]> free_nodes_;               ///< bitmaps, per control
std::vector<std::array<std::uint32_t, lane_count>> losses_; ///< by endpoint and control
std::vector<detail::watch_slot> watches_;
std::vector<std::uint16_t> watched_; ///< hash table from a descriptor to its first watch, slot + 1
std::vector<host_watch> host_watches_;
std::array<readiness, limits::ready_per_wait> ready_{};
std::array<detail::kind_row, max_kinds> kinds_{};
std::array<std::array<char, 48>, max_kinds> kind_names_{};
std::array<std::array<char, 32>, max_sources> source_names_{};

instant now_;
instant armed_ = instant::never(); ///< what the reactor wakes for
std::uint64_t event_number_ = 0;
std::uint64_t touched_ = 0;   ///< controls that got something since the last flush
std::uint64_t flushers_ = 0;  ///< controls that want to know the end of a turn
std::uint64_t replaying_ = 0; ///< controls with a replay pending
std::uint64_t leaving_controls_ = 0, leaving_endpoints_ = 0;
std::uint64_t lost_endpoints_ = 0; ///< endpoints whose events were dropped
std::uint32_t depth_ = 0;          ///< changes and callbacks under way
std::uint32_t callbacks_ = 0;      ///< in this turn
std::uint32_t turns_ = 0;
std::uint16_t blocks_of_commands_ = 0;
std::uint16_t pins_ = 0;
std::uint16_t free_watch_ = 0;      ///< slot + 1
std::uint16_t leaving_adapter_ = 0; ///< slot + 1: the last one detached in this turn
std::uint16_t ending_watch_ = 0;    ///< place + 1: the host's last one unwatched in this turn
bool in_turn_ = false, rung_ = false, running_ = false, closing_ = false;
bool weak_export_ = false, reap_needed_ = false;
std::uint32_t budget_ = limits::callbacks_per_turn; ///< of this part of the turn
duration drain_deadline_ = seconds(1);
std::atomic<bool> stop_{false};
std::atomic<const void*> turn_thread_{nullptr};
