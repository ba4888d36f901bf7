/* umockusb - runs a program that sees emulated USB devices, without any USB
 * in the kernel.
 *
 *   umockusb [--server PATH|HOST:PORT] [--busid 1-1[,1-2...]] [--log FILE] [--no-usbhid] [--late-configuration] [--late-permission MS[/N]|/FILE] [--] COMMAND [ARG...]
 *
 * It imports the devices of a USB/IP server (usbip_device.py serve) and shows
 * them to COMMAND through umockdev: entries in /sys and /dev, kernel uevents
 * for plug and unplug, and the usbdevfs ioctls that libusb uses, each of which
 * becomes a USB/IP message.  A kernel driver named "usbhid" is pretended to be
 * bound to every HID interface with a sound report descriptor until COMMAND
 * detaches it, and shows that descriptor in /sys as the kernel does; not with
 * --no-usbhid.  With --late-configuration a device is announced before it has a
 * configuration, as happens on real systems.  With --late-permission the node of
 * a device (of each Nth that is plugged in) may not be opened for so many
 * milliseconds, or until that file is there, as before udev has set its rights;
 * COMMAND then runs without the capability to open it all the same.
 * --log appends a JSON line for each driver that comes or goes.
 * SIGTERM, SIGINT and SIGHUP are passed on to COMMAND.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <glib-unix.h>
#include <linux/capability.h>
#include <linux/usbdevice_fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <umockdev.h>
#include <unistd.h>

#define PRELOAD "libumockdev-preload.so.0"
#define HOLD_REAP_MS 5      /* an empty REAPURBNDELAY waits that long: the node
                               always polls ready, so this paces libusb */
#define REPLUG_MS 50
#define LATE_MS 150
#define RIGHTS_MS 20
#define MAX_IF 16

enum { CMD_SUBMIT = 1, CMD_UNLINK, RET_SUBMIT, RET_UNLINK,
       BUS_RESET };                 /* ours: somebody else resets the device */

typedef struct {
    UMockdevIoctlData *urb;         /* the program's struct usbdevfs_urb */
    UMockdevIoctlData *buffer;
    UMockdevIoctlClient *owner;
    UMockdevIoctlClient *control;   /* set for a synchronous transfer instead */
    unsigned seqnum, unlink;        /* unlink: number of the request to cancel it */
    gboolean in;
} Transfer;

typedef struct {
    char busid[32];
    int sock;                       /* -1: unplugged */
    unsigned devnum, devid, seqnum;
    guint watch;
    GByteArray *inbox;
    UMockdevIoctlBase *handler;
    char *syspath, *node;
    GPtrArray *children;            /* sysfs paths of the interfaces */
    GBytes *report[MAX_IF];         /* report descriptors of HID interfaces */
    char *hid[MAX_IF];              /* sysfs path of the bound HID device */
    unsigned vid, pid;
    char *driver[MAX_IF];           /* "usbhid", "usbfs" or NULL */
    UMockdevIoctlClient *claimed[MAX_IF];
    int interface[32];              /* of each endpoint; IN ones from 16 on; -1: none */
    GList *flying, *done;
    UMockdevIoctlClient *reaper;    /* a reap that is being held */
    guint reap_timer;
} Port;

static UMockdevTestbed *testbed;
static GMainLoop *loop;
static char *server_name = "127.0.0.1:3240";
static unsigned next_devnum = 2;
static gboolean used_devnum[128];     /* as in the kernel: 1 to 127, the next free one */
static char *hub;                   /* sysfs path of the root hub */
static int child_status = 125;
static GRecMutex lock;
static FILE *log_file;
static gboolean no_usbhid, late_configuration;
static const char *permission_file;
static unsigned late_permission_ms, late_permission_every = 1, plugs;
static unsigned next_hid = 1;
static GPid command;

static void unplug(Port *p);
static void bus_reset(Port *p);

/* --- USB/IP ---------------------------------------------------------------- */

static void put32(unsigned char *at, unsigned v) { v = htonl(v); memcpy(at, &v, 4); }
static unsigned get32(const unsigned char *at) { unsigned v; memcpy(&v, at, 4); return ntohl(v); }

static int dial(void)
{
    int fd = -1;
    if (strchr(server_name, '/')) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        strncpy(a.sun_path, server_name, sizeof a.sun_path - 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a)) { close(fd); fd = -1; }
    } else {
        g_autofree char *host = g_strdup(server_name);
        char *colon = strrchr(host, ':');
        struct sockaddr_in a = { .sin_family = AF_INET };
        if (!colon) return -1;
        *colon = 0;
        a.sin_port = htons(atoi(colon + 1));
        if (inet_pton(AF_INET, host, &a.sin_addr) != 1) return -1;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a)) { close(fd); fd = -1; }
    }
    return fd;
}

static gboolean read_all(int fd, void *to, size_t n)
{
    char *at = to;
    while (n) {
        ssize_t r = read(fd, at, n);
        if (r <= 0) return FALSE;
        at += r; n -= r;
    }
    return TRUE;
}

static gboolean write_all(int fd, const void *from, size_t n)
{
    const char *at = from;
    while (n) {
        ssize_t r = send(fd, at, n, MSG_NOSIGNAL);
        if (r <= 0) return FALSE;
        at += r; n -= r;
    }
    return TRUE;
}

static unsigned send_submit(Port *p, int ep, gboolean in, const unsigned char *setup,
                            const unsigned char *data, int length)
{
    unsigned char h[48] = { 0 };
    unsigned seqnum = ++p->seqnum;
    put32(h, CMD_SUBMIT); put32(h + 4, seqnum); put32(h + 8, p->devid);
    put32(h + 12, in); put32(h + 16, ep & 0x0f);
    put32(h + 24, length);
    if (setup) memcpy(h + 40, setup, 8);
    write_all(p->sock, h, sizeof h);
    if (!in && length) write_all(p->sock, data, length);
    return seqnum;
}

/* Control transfer before the device is shown to anybody. */
static int control_now(Port *p, unsigned type, unsigned request, unsigned value, unsigned index,
                       unsigned char *data, int length)
{
    unsigned char setup[8] = { type, request, value, value >> 8, index, index >> 8, length, length >> 8 };
    unsigned char h[48];
    send_submit(p, 0, !!(type & 0x80), setup, data, length);
    if (!read_all(p->sock, h, sizeof h)) return -ENODEV;
    int status = (int)get32(h + 20), actual = (int)get32(h + 24);
    if ((type & 0x80) && actual > 0 && actual <= length && !read_all(p->sock, data, actual)) return -ENODEV;
    return status ? status : actual;
}

/* --- completion -------------------------------------------------------------- */

static void transfer_free(Transfer *t)
{
    g_clear_object(&t->urb);
    g_clear_object(&t->buffer);
    g_clear_object(&t->control);
    g_free(t);
}

static void let_reaper_go(Port *p, int error)
{
    UMockdevIoctlClient *client = p->reaper;
    p->reaper = NULL;
    if (p->reap_timer) { g_source_remove(p->reap_timer); p->reap_timer = 0; }
    umockdev_ioctl_client_complete(client, error ? -1 : 0, error);
    g_object_unref(client);
}

static gboolean reap(Port *p, UMockdevIoctlClient *client)
{
    for (GList *l = p->done; l; l = l->next) {
        Transfer *t = l->data;
        if (t->owner != client) continue;
        p->done = g_list_delete_link(p->done, l);
        g_autoptr(UMockdevIoctlData) pointer =
            umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, sizeof(void *), NULL);
        umockdev_ioctl_data_set_ptr(pointer, 0, t->urb);
        umockdev_ioctl_client_complete(client, 0, 0);
        transfer_free(t);
        return TRUE;
    }
    return FALSE;
}

static void finish(Port *p, Transfer *t, int status, const unsigned char *data, int actual)
{
    p->flying = g_list_remove(p->flying, t);
    if (t->control) {
        if (!status && t->in && t->buffer && actual > 0)
            memcpy(t->buffer->data, data, MIN(actual, t->buffer->data_len));
        umockdev_ioctl_client_complete(t->control, status ? -1 : actual, -status);
        transfer_free(t);
        return;
    }
    struct usbdevfs_urb *urb = (struct usbdevfs_urb *)t->urb->data;
    int skip = urb->type == USBDEVFS_URB_TYPE_CONTROL ? 8 : 0;
    if (t->in && data && t->buffer && actual > 0)
        memcpy(t->buffer->data + skip, data, MIN(actual, t->buffer->data_len - skip));
    urb->status = t->unlink && status == -ECONNRESET ? -ENOENT : status;
    urb->actual_length = actual;
    p->done = g_list_append(p->done, t);
    if (p->reaper && p->reaper == t->owner) {
        UMockdevIoctlClient *client = p->reaper;
        p->reaper = NULL;
        if (p->reap_timer) { g_source_remove(p->reap_timer); p->reap_timer = 0; }
        reap(p, client);
        g_object_unref(client);
    }
}

static gboolean on_timer(gpointer arg)
{
    Port *p = arg;
    g_rec_mutex_lock(&lock);
    p->reap_timer = 0;
    if (p->reaper) let_reaper_go(p, p->sock < 0 ? ENODEV : EAGAIN);
    g_rec_mutex_unlock(&lock);
    return G_SOURCE_REMOVE;
}

static Transfer *flying(Port *p, unsigned seqnum, gboolean unlink)
{
    for (GList *l = p->flying; l; l = l->next) {
        Transfer *t = l->data;
        if ((unlink ? t->unlink : t->seqnum) == seqnum) return t;
    }
    return NULL;
}

static gboolean on_link(GIOChannel *ch, GIOCondition cond, gpointer arg)
{
    Port *p = arg;
    unsigned char chunk[65536];
    (void)ch; (void)cond;
    g_rec_mutex_lock(&lock);
    ssize_t n = recv(p->sock, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        p->watch = 0;
        unplug(p);
        g_rec_mutex_unlock(&lock);
        return G_SOURCE_REMOVE;
    }
    if (n > 0) g_byte_array_append(p->inbox, chunk, n);
    while (p->inbox->len >= 48) {
        unsigned char *h = p->inbox->data;
        unsigned command = get32(h), seqnum = get32(h + 4);
        if (command == BUS_RESET) {
            g_byte_array_remove_range(p->inbox, 0, 48);
            bus_reset(p);
            continue;
        }
        int status = (int)get32(h + 20), actual = (int)get32(h + 24);
        Transfer *t = flying(p, seqnum, command == RET_UNLINK);
        unsigned body = command == RET_SUBMIT && t && t->in && actual > 0 ? actual : 0;
        if (p->inbox->len < 48 + body) break;
        /* An unlink with status 0 came too late: its transfer has been or
           will be answered on its own. */
        if (t && (command == RET_SUBMIT || status)) finish(p, t, status, h + 48, body ? actual : t->in ? 0 : actual);
        g_byte_array_remove_range(p->inbox, 0, 48 + body);
    }
    g_rec_mutex_unlock(&lock);
    return G_SOURCE_CONTINUE;
}

/* --- kernel drivers ------------------------------------------------------------ */

static void note(Port *p, const char *event, int interface, const char *driver)
{
    if (!log_file) return;
    fprintf(log_file, "{\"event\": \"%s\", \"device\": \"%s\", \"interface\": %d, \"driver\": \"%s\"}\n",
            event, p->busid, interface, driver ? driver : "");
    fflush(log_file);
}

/* The kernel's own driver takes an interface, as usbhid does at plug and on
   USBDEVFS_CONNECT; it refuses one whose report descriptor it cannot read. */
static gboolean bind_driver(Port *p, int i, const char *driver)
{
    if (!strcmp(driver, "usbhid")) {
        if (no_usbhid || !p->report[i]) return FALSE;
        g_autofree char *name = g_strdup_printf("0003:%04X:%04X.%04X", p->vid, p->pid, next_hid++);
        gsize length;
        gconstpointer bytes = g_bytes_get_data(p->report[i], &length);
        p->hid[i] = umockdev_testbed_add_device(testbed, "hid", name, g_ptr_array_index(p->children, i), NULL, NULL);
        if (p->hid[i]) umockdev_testbed_set_attribute_binary(testbed, p->hid[i], "report_descriptor", (guint8 *)bytes, length);
    }
    p->driver[i] = (char *)driver;
    note(p, "bind", i, driver);
    return TRUE;
}

static void unbind_driver(Port *p, int i, const char *event)
{
    note(p, event, i, p->driver[i]);
    if (p->hid[i]) {
        umockdev_testbed_uevent(testbed, p->hid[i], "remove");
        umockdev_testbed_remove_device(testbed, p->hid[i]);
        g_clear_pointer(&p->hid[i], g_free);
    }
    p->driver[i] = NULL;
}

static void claim(Port *p, int i, UMockdevIoctlClient *client)
{
    p->driver[i] = "usbfs";
    p->claimed[i] = client;
    note(p, "claim", i, NULL);
}

/* --- usbdevfs ------------------------------------------------------------------ */

/* usbfs knows nothing of resets, so the kernel takes its interfaces away, which
   kills its transfers, and then lets the other drivers look (usb_reset_device). */
static void bus_reset(Port *p)
{
    while (p->flying) {
        Transfer *t = p->flying->data;
        finish(p, t, t->control ? -EPROTO : -ENOENT, NULL, 0);
    }
    for (int i = 0; i < MAX_IF; i++) {
        if (!p->claimed[i]) continue;
        p->claimed[i] = NULL;
        p->driver[i] = NULL;
        note(p, "reset", i, NULL);
        bind_driver(p, i, "usbhid");
    }
}

/* A transfer on an interface that nobody has claims it, with a warning in the
   kernel's log; on one that a driver has it is refused (checkintf). */
static int check_interface(Port *p, unsigned endpoint, UMockdevIoctlClient *client)
{
    int i = p->interface[(endpoint & 15) + (endpoint & 0x80 ? 16 : 0)];
    if (i < 0) return ENOENT;
    if (p->claimed[i] == client) return 0;
    if (p->driver[i]) return EBUSY;
    claim(p, i, client);
    return 0;
}

static int interface_of(unsigned n) { return n < MAX_IF ? (int)n : -1; }

static gboolean on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer arg)
{
    Port *p = arg;
    gulong request = umockdev_ioctl_client_get_request(client);
    UMockdevIoctlData *ptr = umockdev_ioctl_client_get_arg(client);
    int result = 0, error = 0, i;
    (void)base;

    g_rec_mutex_lock(&lock);
#define ARG(type) g_autoptr(UMockdevIoctlData) d = umockdev_ioctl_data_resolve(ptr, 0, sizeof(type), NULL); \
                  type *v = d ? (type *)d->data : NULL; if (!v) { error = EFAULT; break; }

    if (p->sock < 0 && request != USBDEVFS_REAPURB && request != USBDEVFS_REAPURBNDELAY) {
        umockdev_ioctl_client_complete(client, -1, ENODEV);
        g_rec_mutex_unlock(&lock);
        return TRUE;
    }
    switch (request) {
    case USBDEVFS_GET_CAPABILITIES: {
        ARG(guint32)
        *v = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION |
             USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        break;
    }
    case USBDEVFS_GET_SPEED: result = 2; break;
    case USBDEVFS_GETDRIVER: {
        ARG(struct usbdevfs_getdriver)
        i = interface_of(v->interface);
        if (i < 0 || !p->driver[i]) error = ENODATA;
        else { memset(v->driver, 0, sizeof v->driver); strcpy(v->driver, p->driver[i]); }
        break;
    }
    case USBDEVFS_IOCTL: {
        ARG(struct usbdevfs_ioctl)
        i = interface_of(v->ifno);
        if (i < 0) error = EINVAL;
        else if ((unsigned)v->ioctl_code == (unsigned)USBDEVFS_DISCONNECT) {
            if (!p->driver[i]) error = ENODATA;
            else unbind_driver(p, i, "detach");
        } else if ((unsigned)v->ioctl_code == (unsigned)USBDEVFS_CONNECT) {
            if (p->driver[i]) error = EBUSY;
            else result = bind_driver(p, i, "usbhid");
        } else error = ENOTTY;
        break;
    }
    case USBDEVFS_CLAIMINTERFACE: {
        ARG(guint32)
        i = interface_of(*v);
        if (i < 0) error = ENOENT;
        else if (p->claimed[i] == client) break;
        else if (p->driver[i]) error = EBUSY;
        else claim(p, i, client);
        break;
    }
    case USBDEVFS_DISCONNECT_CLAIM: {
        ARG(struct usbdevfs_disconnect_claim)
        i = interface_of(v->interface);
        if (i < 0) error = EINVAL;
        else if (p->claimed[i] && p->claimed[i] != client) error = EBUSY;
        else {
            if (p->driver[i] && !p->claimed[i]) unbind_driver(p, i, "detach");
            claim(p, i, client);
        }
        break;
    }
    case USBDEVFS_RELEASEINTERFACE: {
        ARG(guint32)
        i = interface_of(*v);
        if (i < 0 || p->claimed[i] != client) error = EINVAL;
        else { p->driver[i] = NULL; p->claimed[i] = NULL; note(p, "release", i, NULL); }
        break;
    }
    case USBDEVFS_CONTROL: {
        ARG(struct usbdevfs_ctrltransfer)
        Transfer *t = g_new0(Transfer, 1);
        unsigned char setup[8] = { v->bRequestType, v->bRequest, v->wValue, v->wValue >> 8,
                                   v->wIndex, v->wIndex >> 8, v->wLength, v->wLength >> 8 };
        t->control = g_object_ref(client);
        t->in = !!(v->bRequestType & 0x80);
        if (v->wLength)
            t->buffer = umockdev_ioctl_data_resolve(d, G_STRUCT_OFFSET(struct usbdevfs_ctrltransfer, data),
                                                    v->wLength, NULL);
        t->seqnum = send_submit(p, 0, t->in, setup, t->buffer ? t->buffer->data : NULL, v->wLength);
        p->flying = g_list_append(p->flying, t);
        g_rec_mutex_unlock(&lock);
        return TRUE;
    }
    case USBDEVFS_SUBMITURB: {
        ARG(struct usbdevfs_urb)
        if (v->type == USBDEVFS_URB_TYPE_ISO) { error = EINVAL; break; }
        int control = v->type == USBDEVFS_URB_TYPE_CONTROL;
        if (!control && (error = check_interface(p, v->endpoint, client))) break;
        Transfer *t = g_new0(Transfer, 1);
        t->urb = g_object_ref(d);
        t->owner = client;
        if (v->buffer_length)
            t->buffer = umockdev_ioctl_data_resolve(d, G_STRUCT_OFFSET(struct usbdevfs_urb, buffer),
                                                    v->buffer_length, NULL);
        const unsigned char *bytes = t->buffer ? t->buffer->data : NULL;
        if (control) {
            if (v->buffer_length < 8) { error = EINVAL; transfer_free(t); break; }
            t->in = !!(bytes[0] & 0x80);
            t->seqnum = send_submit(p, 0, t->in, bytes, bytes + 8, v->buffer_length - 8);
        } else {
            t->in = !!(v->endpoint & 0x80);
            t->seqnum = send_submit(p, v->endpoint, t->in, NULL, bytes, v->buffer_length);
        }
        p->flying = g_list_append(p->flying, t);
        break;
    }
    case USBDEVFS_DISCARDURB: {
        gulong address = *(gulong *)ptr->data;
        Transfer *found = NULL;
        for (GList *l = p->flying; l && !found; l = l->next) {
            Transfer *t = l->data;
            if (t->urb && t->urb->client_addr == address) found = t;
        }
        if (!found || found->unlink) { error = EINVAL; break; }
        found->unlink = ++p->seqnum;
        unsigned char h[48] = { 0 };
        put32(h, CMD_UNLINK); put32(h + 4, found->unlink); put32(h + 8, p->devid);
        put32(h + 20, found->seqnum);
        write_all(p->sock, h, sizeof h);
        break;
    }
    case USBDEVFS_REAPURB:
    case USBDEVFS_REAPURBNDELAY:
        if (reap(p, client)) { g_rec_mutex_unlock(&lock); return TRUE; }
        if (p->sock < 0) { error = ENODEV; break; }
        if (p->reaper) { error = EAGAIN; break; }
        p->reaper = g_object_ref(client);
        if (request == USBDEVFS_REAPURBNDELAY) p->reap_timer = g_timeout_add(HOLD_REAP_MS, on_timer, p);
        g_rec_mutex_unlock(&lock);
        return TRUE;
    case USBDEVFS_CLEAR_HALT:
    case USBDEVFS_RESETEP: {
        ARG(guint32)
        if (request == USBDEVFS_CLEAR_HALT) {
            Transfer *t = g_new0(Transfer, 1);
            unsigned char setup[8] = { 0x02, 0x01, 0, 0, *v, 0, 0, 0 };
            t->control = g_object_ref(client);
            t->seqnum = send_submit(p, 0, FALSE, setup, NULL, 0);
            p->flying = g_list_append(p->flying, t);
            g_rec_mutex_unlock(&lock);
            return TRUE;
        }
        break;
    }
    case USBDEVFS_SETINTERFACE:
    case USBDEVFS_SETCONFIGURATION:
    case USBDEVFS_RESET:
    case USBDEVFS_DROP_PRIVILEGES:
        break;
    default:
        error = ENOTTY;
    }
    umockdev_ioctl_client_complete(client, error ? -1 : result, error);
    g_rec_mutex_unlock(&lock);
    return TRUE;
}

static void on_vanished(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer arg)
{
    Port *p = arg;
    (void)base;
    g_rec_mutex_lock(&lock);
    for (int i = 0; i < MAX_IF; i++)
        if (p->claimed[i] == client) { p->claimed[i] = NULL; p->driver[i] = NULL; }
    for (GList *l = p->done, *next; l; l = next) {
        Transfer *t = l->data;
        next = l->next;
        if (t->owner == client) { p->done = g_list_delete_link(p->done, l); transfer_free(t); }
    }
    if (p->reaper == client) {
        if (p->reap_timer) { g_source_remove(p->reap_timer); p->reap_timer = 0; }
        g_clear_object(&p->reaper);
    }
    g_rec_mutex_unlock(&lock);
}

static Port *port_new(const char *busid)
{
    Port *p = g_new0(Port, 1);
    g_strlcpy(p->busid, busid, sizeof p->busid);
    p->sock = -1;
    p->inbox = g_byte_array_new();
    memset(p->interface, 0xff, sizeof p->interface);
    p->children = g_ptr_array_new();
    g_ptr_array_set_size(p->children, MAX_IF);
    return p;
}

/* --- plug and unplug --------------------------------------------------------------- */

static gboolean configure(gpointer arg)
{
    Port *p = arg;
    if (p->sock >= 0) umockdev_testbed_set_attribute(testbed, p->syspath, "bConfigurationValue", "1\n");
    return G_SOURCE_REMOVE;
}

/* The file behind the node of a device. */
static char *node_path(Port *p)
{
    g_autofree char *root = umockdev_testbed_get_root_dir(testbed);
    return g_build_filename(root, p->node, NULL);
}

static gboolean permit(gpointer path)
{
    if (permission_file && access(permission_file, F_OK)) return G_SOURCE_CONTINUE;
    chmod(path, 0666);
    return G_SOURCE_REMOVE;
}

/* Whoever runs the rig as root could open anything. */
static void drop_capabilities(gpointer unused)
{
    (void)unused;
    prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
    prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
}

static void show(Port *p, unsigned speed)
{
    unsigned char dev[18] = { 0 }, cfg[4096];
    int n = control_now(p, 0x80, 6, 0x0100, 0, dev, sizeof dev);
    int c = control_now(p, 0x80, 6, 0x0200, 0, cfg, sizeof cfg);
    control_now(p, 0x00, 9, 1, 0, NULL, 0);
    if (n < 0) n = 0;
    if (c < 0) c = 0;
    g_autoptr(GByteArray) all = g_byte_array_new();
    g_byte_array_append(all, dev, n);
    g_byte_array_append(all, cfg, c);

    char *text[3] = { NULL, NULL, NULL };
    for (int i = 0; i < 3; i++) {
        unsigned char s[256];
        int index = dev[14 + i], got = index ? control_now(p, 0x80, 6, 0x0300 | index, 0x0409, s, 255) : 0;
        text[i] = got > 2 ? g_utf16_to_utf8((gunichar2 *)(s + 2), (got - 2) / 2, NULL, NULL, NULL) : NULL;
        if (!text[i]) text[i] = g_strdup("");
    }
    for (int at = 0, i = -1, number_ = MAX_IF; at + 2 <= c && cfg[at] >= 2; at += cfg[at]) {
        if (cfg[at + 1] == 4 && at + 9 <= c) number_ = cfg[at + 2];
        if (cfg[at + 1] == 5 && at + 3 <= c && number_ < MAX_IF)
            p->interface[(cfg[at + 2] & 15) + (cfg[at + 2] & 0x80 ? 16 : 0)] = number_;
        if (cfg[at + 1] == 4 && at + 9 <= c) i = cfg[at + 3] || cfg[at + 5] != 3 || cfg[at + 2] >= MAX_IF ? -1 : cfg[at + 2];
        if (cfg[at + 1] != 0x21 || at + 9 > c || i < 0) continue;
        static unsigned char report[4096];
        int length = cfg[at + 7] | cfg[at + 8] << 8;
        int got = length > (int)sizeof report ? -1 : control_now(p, 0x81, 6, 0x2200, i, report, length);
        if (got > 0 && got == length) p->report[i] = g_bytes_new(report, got);
    }

    static const char *speeds[] = { "", "1.5", "12", "480", "480", "5000" };
    unsigned vid = p->vid = dev[8] | dev[9] << 8, pid = p->pid = dev[10] | dev[11] << 8, bcd = dev[12] | dev[13] << 8;
    do next_devnum = next_devnum >= 127 ? 2 : next_devnum + 1; while (used_devnum[next_devnum]);
    p->devnum = next_devnum;
    used_devnum[p->devnum] = TRUE;
    p->node = g_strdup_printf("/dev/bus/usb/001/%03u", p->devnum);
    p->syspath = g_strdup_printf("%s/%s", hub, p->busid);

    /* Before the device appears, so that nobody opens it unattended. */
    g_autoptr(GError) problem = NULL;
    p->handler = umockdev_ioctl_base_new();
    g_signal_connect(p->handler, "handle-ioctl", G_CALLBACK(on_ioctl), p);
    g_signal_connect(p->handler, "client-vanished", G_CALLBACK(on_vanished), p);
    /* What the test bed leaves of a device long gone that had this number. */
    umockdev_testbed_detach_ioctl(testbed, p->node, NULL);
    g_autofree char *root = umockdev_testbed_get_root_dir(testbed);
    g_autofree char *link = g_strdup_printf("%s/sys/dev/char/189:%u", root, p->devnum - 1);
    g_autofree char *old_node = g_build_filename(root, p->node, NULL);
    unlink(link);
    unlink(old_node);
    if (!umockdev_testbed_attach_ioctl(testbed, p->node, p->handler, &problem))
        g_printerr("umockusb: %s\n", problem->message);
    g_clear_error(&problem);

    g_autoptr(GString) hex = g_string_new(NULL);
    for (unsigned i = 0; i < all->len; i++) g_string_append_printf(hex, "%02X", all->data[i]);
    g_autoptr(GString) about = g_string_new(NULL);
    g_string_printf(about,
        "P: %s\nN: %s=%s\n"
        "E: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: DEVNAME=%s\nE: MAJOR=189\nE: MINOR=%u\n"
        "E: BUSNUM=001\nE: DEVNUM=%03u\nE: PRODUCT=%x/%x/%x\nE: ID_VENDOR_ID=%04x\nE: ID_MODEL_ID=%04x\n"
        /* sysfs values end in a newline, which the format spells \\n */
        "A: dev=189:%u\\n\nA: busnum=1\\n\nA: devnum=%u\\n\nA: speed=%s\\n\n"
        "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: bcdDevice=%04x\\n\n"
        "A: bDeviceClass=%02x\\n\nA: bDeviceSubClass=%02x\\n\nA: bDeviceProtocol=%02x\\n\n"
        "A: bMaxPacketSize0=%u\\n\nA: bConfigurationValue=%s\\n\nA: bNumConfigurations=1\\n\n"
        "A: bNumInterfaces= %u\\n\nA: bmAttributes=%02x\\n\nA: configuration=\nA: maxchild=0\\n\n"
        "A: rx_lanes=1\\n\nA: tx_lanes=1\\n\n"
        "A: manufacturer=%s\\n\nA: product=%s\\n\nA: serial=%s\\n\nH: descriptors=%s\n",
        p->syspath + 4, p->node + 5, hex->str, p->node, p->devnum - 1, p->devnum, vid, pid, bcd, vid, pid,
        p->devnum - 1, p->devnum, speeds[MIN(speed, 5)], vid, pid, bcd, dev[4], dev[5], dev[6], dev[7],
        late_configuration ? "" : "1",
        c > 4 ? cfg[4] : 0, c > 7 ? cfg[7] : 0, text[0], text[1], text[2], hex->str);
    if (!umockdev_testbed_add_from_string(testbed, about->str, &problem))
        g_printerr("umockusb: %s\n", problem->message);

    if ((late_permission_ms || permission_file) && plugs++ % late_permission_every == 0) {
        char *path = node_path(p);
        if (chmod(path, 0)) g_printerr("umockusb: %s: %s\n", path, g_strerror(errno));
        g_timeout_add_full(G_PRIORITY_DEFAULT, permission_file ? RIGHTS_MS : late_permission_ms, permit, path, g_free);
    }

    for (int at = 0; at + 2 <= c && cfg[at] >= 2; at += cfg[at]) {
        if (cfg[at + 1] != 4 || at + 9 > c || cfg[at + 3]) continue;
        unsigned number_ = cfg[at + 2];
        g_autofree char *name = g_strdup_printf("%s:1.%u", p->busid, number_);
        g_autofree char *in = g_strdup_printf("%02x\n", number_), *ne = g_strdup_printf("%02x\n", cfg[at + 4]),
                        *ic = g_strdup_printf("%02x\n", cfg[at + 5]), *is = g_strdup_printf("%02x\n", cfg[at + 6]),
                        *ip = g_strdup_printf("%02x\n", cfg[at + 7]);
        if (number_ >= MAX_IF || p->children->pdata[number_]) continue;
        p->children->pdata[number_] = (umockdev_testbed_add_device(testbed, "usb", name, p->syspath,
            "bInterfaceNumber", in, "bAlternateSetting", " 0\n", "bNumEndpoints", ne, "bInterfaceClass", ic,
            "bInterfaceSubClass", is, "bInterfaceProtocol", ip, NULL,
            "DEVTYPE", "usb_interface", NULL));
        if (cfg[at + 5] == 3) bind_driver(p, number_, "usbhid");
        if (cfg[at + 5] == 2) bind_driver(p, number_, "cdc_acm");
    }
    for (int i = 0; i < 3; i++) g_free(text[i]);

    if (late_configuration) g_timeout_add(LATE_MS, configure, p);
    GIOChannel *ch = g_io_channel_unix_new(p->sock);
    p->watch = g_io_add_watch(ch, G_IO_IN | G_IO_HUP | G_IO_ERR, on_link, p);
    g_io_channel_unref(ch);
}

static gboolean try_plug(gpointer arg)
{
    Port *p = arg;
    g_rec_mutex_lock(&lock);
    if (p->sock < 0 && (p->sock = dial()) >= 0) {
        unsigned char ask[40] = { 0x01, 0x11, 0x80, 0x03 }, head[8], info[312];
        memcpy(ask + 8, p->busid, sizeof p->busid);
        struct timeval patience = { 2, 0 };
        setsockopt(p->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (write_all(p->sock, ask, sizeof ask) && read_all(p->sock, head, sizeof head) &&
            get32(head + 4) == 0 && read_all(p->sock, info, sizeof info)) {
            p->devid = get32(info + 288) << 16 | get32(info + 292);
            p->seqnum = 0;
            g_byte_array_set_size(p->inbox, 0);
            show(p, get32(info + 296));
        } else {
            close(p->sock);
            p->sock = -1;
        }
    }
    gboolean again = p->sock < 0;
    g_rec_mutex_unlock(&lock);
    return again ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void unplug(Port *p)
{
    close(p->sock);
    p->sock = -1;
    while (p->flying) finish(p, p->flying->data, -ESHUTDOWN, NULL, 0);
    if (p->reaper) let_reaper_go(p, ENODEV);
    for (int i = 0; i < MAX_IF; i++) {
        char *child = p->children->pdata[i];
        if (p->hid[i]) unbind_driver(p, i, "unbind");
        p->children->pdata[i] = NULL;
        if (!child) continue;
        umockdev_testbed_uevent(testbed, child, "remove");
        umockdev_testbed_remove_device(testbed, child);
        g_free(child);
    }
    umockdev_testbed_uevent(testbed, p->syspath, "remove");
    umockdev_testbed_remove_device(testbed, p->syspath);
    used_devnum[p->devnum] = FALSE;
    /* This one stays as it is, for the program may still hold its node open;
       whatever is plugged in next is a new device on the same bus id. */
    g_timeout_add(REPLUG_MS, try_plug, port_new(p->busid));
}

static void on_child(GPid pid, gint status, gpointer arg)
{
    (void)pid; (void)arg;
    child_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    g_main_loop_quit(loop);
}

static gboolean on_signal(gpointer signal)
{
    kill(command, GPOINTER_TO_INT(signal));
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    g_autofree char *busids = g_strdup("1-1");
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--")) { i++; break; }
        if (i + 1 < argc && !strcmp(argv[i], "--server")) server_name = argv[++i];
        else if (i + 1 < argc && !strcmp(argv[i], "--busid")) { g_free(busids); busids = g_strdup(argv[++i]); }
        else if (i + 1 < argc && !strcmp(argv[i], "--log")) log_file = fopen(argv[++i], "ae");
        else if (!strcmp(argv[i], "--no-usbhid")) no_usbhid = TRUE;
        else if (!strcmp(argv[i], "--late-configuration")) late_configuration = TRUE;
        else if (i + 1 < argc && !strcmp(argv[i], "--late-permission")) {
            if (argv[i + 1][0] == '/') permission_file = argv[++i];
            else sscanf(argv[++i], "%u/%u", &late_permission_ms, &late_permission_every);
            if (!late_permission_every) late_permission_every = 1;
        } else i = argc;
    }
    if (i >= argc) {
        fprintf(stderr, "usage: umockusb [--server PATH|HOST:PORT] [--busid ID[,ID...]] [--log FILE] [--no-usbhid] "
                "[--late-configuration] [--late-permission MS[/N]|/FILE] "
                "[--] COMMAND [ARG...]\n");
        return 125;
    }
    if (!dlsym(RTLD_DEFAULT, "ioctl_tree_execute")) {
        /* The test bed works only in a process that has the preload library. */
        const char *before = getenv("LD_PRELOAD");
        g_autofree char *preload = before ? g_strdup_printf(PRELOAD ":%s", before) : g_strdup(PRELOAD);
        if (getenv("UMOCKUSB_AGAIN")) {
            fprintf(stderr, "umockusb: cannot preload " PRELOAD "\n");
            return 125;
        }
        setenv("LD_PRELOAD", preload, 1);
        setenv("UMOCKUSB_AGAIN", "1", 1);
        execv("/proc/self/exe", argv);
        perror("umockusb: exec");
        return 125;
    }
    unsetenv("UMOCKUSB_AGAIN");
    testbed = umockdev_testbed_new();
    hub = umockdev_testbed_add_device(testbed, "usb", "usb1", NULL,
        "busnum", "1", "devnum", "1", "dev", "189:0", "speed", "480", "idVendor", "1d6b", "idProduct", "0002",
        "bDeviceClass", "09", "bConfigurationValue", "1", NULL,
        "DEVTYPE", "usb_device", "DEVNAME", "/dev/bus/usb/001/001", "MAJOR", "189", "MINOR", "0",
        "BUSNUM", "001", "DEVNUM", "001", NULL);
    g_auto(GStrv) ids = g_strsplit(busids, ",", -1);
    for (char **id = ids; *id; id++) {
        Port *p = port_new(*id);
        if (try_plug(p)) g_timeout_add(REPLUG_MS, try_plug, p);
    }
    g_unix_signal_add(SIGTERM, on_signal, GINT_TO_POINTER(SIGTERM));
    g_unix_signal_add(SIGINT, on_signal, GINT_TO_POINTER(SIGINT));
    g_unix_signal_add(SIGHUP, on_signal, GINT_TO_POINTER(SIGHUP));
    g_autoptr(GError) problem = NULL;
    if (!g_spawn_async(NULL, argv + i, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                       G_SPAWN_CHILD_INHERITS_STDIN,
                       late_permission_ms || permission_file ? drop_capabilities : NULL, NULL, &command, &problem)) {
        fprintf(stderr, "umockusb: %s\n", problem->message);
        return 125;
    }
    g_child_watch_add(command, on_child, NULL);
    loop = g_main_loop_new(NULL, FALSE);
    g_main_loop_run(loop);
    g_object_unref(testbed);
    return child_status;
}
