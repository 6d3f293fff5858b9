/*
 * LD_PRELOAD shim: OpenOCD's `sysfsgpio` SWD driver, unchanged, drives a remote_bitbang server.
 *
 * Debian's OpenOCD 0.12 has bit-banged SWD for GPIOs in /sys/class/gpio but not for remote_bitbang. The shim answers
 * the file operations on those GPIOs itself: every edge becomes one remote_bitbang character on a TCP connection.
 *
 * Environment: SYSFS_SWD_SHIM="HOST PORT SWCLK_HZ SWCLK_GPIO SWDIO_GPIO SRST_GPIO [ahead]", HOST a dotted IPv4 address.
 *
 * Three things keep it quick and repeatable:
 *  - Characters are sent only when an answer is needed. While the target drives SWDIO the host can do nothing but
 *    clock, so the first sample fetches all samples of that phase: its length follows from the RnW bit of the request
 *    just sent (read: turnaround, ACK, data, parity, turnaround; write: turnaround, ACK, turnaround). If the program
 *    then does anything else, the shim ends it loudly instead of lying about an edge.
 *  - With "ahead", a write is taken to be acknowledged OK and not waited for. The acknowledges are looked at with the
 *    next read; the shim ends the program if one was not OK after all.
 *  - Time is the target's. Sleeps become the characters Z (1 ms) and z (1 us), and gettimeofday() counts SWCLK
 *    periods and sleeps, so that no time-out depends on the machine's load.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define GPIO_ROOT "/sys/class/gpio/"
#define MAX_FDS 1024
#define READ_PHASE_CLOCKS (1 + 3 + 32 + 1 + 1)
#define WRITE_PHASE_CLOCKS (1 + 3 + 1)
#define MOST_OWED 1024

static const char write_accepted[] = "11001"; /* nobody drives, ACK OK, nobody drives */

enum kind { NOT_OURS, EXPORT, DIRECTION, VALUE };

static struct { enum kind kind; int gpio; } files[MAX_FDS];

static int link_fd = -1;
static int swclk_gpio, swdio_gpio, srst_gpio;
static uint64_t swclk_hz, virtual_ns;

static char out[1 << 16];
static size_t out_len;

static int swclk, swdio, driving, swdio_dirty;
static unsigned int request; /* the last eight bits the host clocked out, newest in bit 7 */

static char samples[READ_PHASE_CLOCKS];
static int samples_fetched, samples_used, edges_ahead;
static int go_ahead, writes_owed; /* writes whose acknowledge has not been looked at yet */

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);
	if (!function)
		abort();
	return function;
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "sysfs_swd_shim: %s (errno: %s)\n", what, strerror(errno));
	_exit(99);
}

static void connect_once(void)
{
	char host[64];
	unsigned int port;
	unsigned long long hz;
	const char *text = getenv("SYSFS_SWD_SHIM");
	if (link_fd >= 0)
		return;
	char mode[8] = "";
	int fields = !text ? 0 : sscanf(text, "%63s %u %llu %d %d %d %7s", host, &port, &hz, &swclk_gpio, &swdio_gpio, &srst_gpio, mode);
	if (fields < 6 || !hz)
		fail("SYSFS_SWD_SHIM must be: HOST PORT SWCLK_HZ SWCLK_GPIO SWDIO_GPIO SRST_GPIO [ahead]");
	go_ahead = !strcmp(mode, "ahead");
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		fail("host is no IPv4 address");
	swclk_hz = hz;
	link_fd = socket(AF_INET, SOCK_STREAM, 0);
	if (link_fd < 0 || connect(link_fd, (struct sockaddr *)&address, sizeof(address)))
		fail("cannot connect to the remote_bitbang server");
	int on = 1;
	setsockopt(link_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void flush_out(void)
{
	for (size_t sent = 0; sent < out_len;) {
		ssize_t n = REAL(write)(link_fd, out + sent, out_len - sent);
		if (n < 0 && errno != EINTR)
			fail("the remote_bitbang server went away");
		sent += n > 0 ? (size_t)n : 0;
	}
	out_len = 0;
}

static void receive(char *answers, int count)
{
	for (int got = 0; got < count;) {
		ssize_t n = REAL(read)(link_fd, answers + got, (size_t)(count - got));
		if (n == 0 || (n < 0 && errno != EINTR))
			fail("the remote_bitbang server went away");
		got += n > 0 ? (int)n : 0;
	}
}

static void collect_owed(void)
{
	char answer[WRITE_PHASE_CLOCKS];
	flush_out();
	for (; writes_owed; writes_owed--) {
		receive(answer, WRITE_PHASE_CLOCKS);
		if (memcmp(answer, write_accepted, WRITE_PHASE_CLOCKS))
			fail("a write was not acknowledged OK, as the program had been told");
	}
}

static void put(char c)
{
	if (out_len == sizeof(out))
		flush_out();
	out[out_len++] = c;
}

static void put_levels(void)
{
	put("defg"[swclk * 2 + swdio]);
	swdio_dirty = 0;
}

static void settle(void)
{
	if (edges_ahead)
		fail("the program left the phase that was clocked ahead for it");
	if (swdio_dirty)
		put_levels();
}

static void set_swclk(int level)
{
	if (level == swclk)
		return;
	swclk = level;
	if (level) {
		virtual_ns += 1000000000u / swclk_hz;
		if (driving)
			request = (request >> 1 | (unsigned int)swdio << 7) & 0xff;
	}
	if (edges_ahead)
		edges_ahead--;
	else
		put_levels();
}

static void set_swdio(int level)
{
	if (level == swdio)
		return;
	if (edges_ahead)
		fail("SWDIO was driven in a phase that was clocked ahead");
	swdio = level;
	swdio_dirty = 1; /* goes out with the next edge of SWCLK */
}

static void drive(int on)
{
	settle();
	if (on != driving)
		put(on ? 'O' : 'o');
	driving = on;
	samples_fetched = samples_used = 0;
}

static void fetch_samples(void)
{
	int is_request = (request & 0x01) && !(request & 0x40) && (request & 0x80);
	int count = !driving && !swclk && is_request ? (request & 0x04 ? READ_PHASE_CLOCKS : WRITE_PHASE_CLOCKS) : 1;
	settle();
	put('c');
	for (int i = 1; i < count; i++) {
		swclk = 1;
		put_levels();
		swclk = 0;
		put_levels();
		put('c');
	}
	if (go_ahead && count == WRITE_PHASE_CLOCKS) {
		memcpy(samples, write_accepted, WRITE_PHASE_CLOCKS);
		if (++writes_owed == MOST_OWED)
			collect_owed();
	} else {
		collect_owed();
		receive(samples, count);
	}
	samples_fetched = count;
	samples_used = 0;
	edges_ahead = 2 * (count - 1);
	request = 0;
}

static char sample(void)
{
	if (samples_used == samples_fetched)
		fetch_samples();
	else if (edges_ahead != 2 * (samples_fetched - 1 - samples_used))
		fail("SWDIO was sampled out of step with SWCLK");
	return samples[samples_used++];
}

static void set_gpio(int gpio, int level)
{
	if (gpio == swclk_gpio)
		return set_swclk(level);
	if (gpio == swdio_gpio)
		return set_swdio(level);
	settle();
	if (gpio == srst_gpio)
		put(level ? 'r' : 's');
}

static ssize_t handle_write(int fd, const char *text, size_t n)
{
	int gpio = files[fd].gpio;
	if (files[fd].kind == VALUE && n)
		set_gpio(gpio, text[0] != '0');
	if (files[fd].kind == DIRECTION && n) {
		if (gpio == swdio_gpio)
			drive(text[0] != 'i');
		if (text[0] != 'i')
			set_gpio(gpio, text[0] == 'h');
	}
	return (ssize_t)n;
}

static ssize_t handle_read(int fd, char *text, size_t n)
{
	if (!n || files[fd].kind != VALUE || files[fd].gpio != swdio_gpio)
		return 0;
	text[0] = sample();
	return 1;
}

static int ours(int fd)
{
	return fd >= 0 && fd < MAX_FDS && files[fd].kind != NOT_OURS;
}

static int open_gpio(const char *path)
{
	int gpio = 0, used = 0;
	enum kind kind = NOT_OURS;
	const char *name = path + strlen(GPIO_ROOT);
	connect_once();
	if (!strcmp(name, "export") || !strcmp(name, "unexport"))
		kind = EXPORT;
	else if (sscanf(name, "gpio%d/%n", &gpio, &used) == 1 && used)
		kind = !strcmp(name + used, "direction") ? DIRECTION : !strcmp(name + used, "value") ? VALUE : NOT_OURS;
	if (kind == NOT_OURS)
		fail("no such file in the pretended /sys/class/gpio");
	int fd = REAL(open)("/dev/null", O_RDWR); /* a number of our own, that nobody else gets */
	if (fd >= MAX_FDS)
		fail("too many open files");
	if (fd >= 0) {
		files[fd].kind = kind;
		files[fd].gpio = gpio;
	}
	return fd;
}

#define MODE_AFTER(flags) ({ \
	va_list more; \
	va_start(more, flags); \
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
	va_end(more); \
	mode; })

int open(const char *path, int flags, ...)
{
	mode_t mode = MODE_AFTER(flags);
	if (!strncmp(path, GPIO_ROOT, strlen(GPIO_ROOT)))
		return open_gpio(path);
	return REAL(open)(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
	mode_t mode = MODE_AFTER(flags);
	if (!strncmp(path, GPIO_ROOT, strlen(GPIO_ROOT)))
		return open_gpio(path);
	return REAL(openat)(directory, path, flags, mode);
}

int close(int fd)
{
	if (ours(fd))
		files[fd].kind = NOT_OURS;
	return REAL(close)(fd);
}

ssize_t write(int fd, const void *buf, size_t n)
{
	return ours(fd) ? handle_write(fd, buf, n) : REAL(write)(fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	return ours(fd) ? handle_write(fd, buf, n) : REAL(pwrite)(fd, buf, n, offset);
}

ssize_t read(int fd, void *buf, size_t n)
{
	return ours(fd) ? handle_read(fd, buf, n) : REAL(read)(fd, buf, n);
}

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
	return ours(fd) ? handle_read(fd, buf, n) : REAL(pread)(fd, buf, n, offset);
}

off_t lseek(int fd, off_t offset, int whence)
{
	return ours(fd) ? 0 : REAL(lseek)(fd, offset, whence);
}

static void sleep_virtually(uint64_t us)
{
	virtual_ns += us * 1000;
	if (link_fd < 0)
		return;
	settle();
	for (uint64_t i = 0; i < us / 1000; i++)
		put('Z');
	for (uint64_t i = 0; i < us % 1000; i++)
		put('z');
}

int usleep(useconds_t us)
{
	sleep_virtually(us);
	return 0;
}

int nanosleep(const struct timespec *span, struct timespec *left)
{
	(void)left;
	sleep_virtually((uint64_t)span->tv_sec * 1000000 + (uint64_t)(span->tv_nsec + 999) / 1000);
	return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *left)
{
	return flags & TIMER_ABSTIME ? REAL(clock_nanosleep)(clock, flags, span, left) : nanosleep(span, left);
}

int select(int nfds, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
	if (nfds > 0 || !timeout)
		return REAL(select)(nfds, r, w, e, timeout);
	sleep_virtually((uint64_t)timeout->tv_sec * 1000000 + (uint64_t)timeout->tv_usec);
	return 0;
}

int gettimeofday(struct timeval *now, void *zone)
{
	static uint64_t start_us;
	if (!start_us) {
		struct timeval wall;
		REAL(gettimeofday)(&wall, zone);
		start_us = (uint64_t)wall.tv_sec * 1000000 + (uint64_t)wall.tv_usec;
	}
	uint64_t us = start_us + virtual_ns / 1000;
	now->tv_sec = (time_t)(us / 1000000);
	now->tv_usec = (suseconds_t)(us % 1000000);
	return 0;
}

static void __attribute__((destructor)) quit(void)
{
	if (link_fd < 0)
		return;
	collect_owed();
	put('Q');
	flush_out();
}
