/*
 * One helper a prefix: who it is, and how it gets the next server's stream
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "portguard.h"
#include "portguard_handover.h"

#define LOCK_FILE   "portguard.lock"
#define SOCKET_FILE "portguard"

#define ANSWER_TIME 1000  /* ms that the old helper has to answer, and the new one to say that it is done */
#define LISTEN_TIME 1000  /* that one has from taking the lock to listening */
#define END_TIME    2000  /* ms that it has to end when it is killed */

/* what the new helper says, and the old one answers with its own */
struct offer
{
    char magic[8];
    uint32_t version;
    uint32_t __pad;
    struct prefix_id id;
};

static const char magic[8] = "portgrd";

static struct prefix_id own_id;
static int lock_fd = -1;
static int listener = -1;

#define MAX_CANDIDATES 8

static int candidates[MAX_CANDIDATES];  /* who connected, and has said nothing yet; the one that came first is first */
static unsigned int candidate_count;

static long now_ms(void)
{
    struct timespec now;

    clock_gettime( CLOCK_MONOTONIC, &now );
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms( long ms )
{
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep( &time, NULL );
}

static void make_offer( struct offer *offer, const struct prefix_id *id )
{
    memset( offer, 0, sizeof(*offer) );
    memcpy( offer->magic, magic, sizeof(magic) );
    offer->version = PORTGUARD_VERSION;
    offer->id = *id;
}

static socklen_t make_addr( struct sockaddr_un *addr )
{
    memset( addr, 0, sizeof(*addr) );
    addr->sun_family = AF_UNIX;
    prefix_path( addr->sun_path, sizeof(addr->sun_path), SOCKET_FILE );
    return offsetof( struct sockaddr_un, sun_path ) + strlen( addr->sun_path ) + 1;
}

/* Is the process at the other end one of this user, and if pid is set, that one? */
static int is_peer( int fd, pid_t pid )
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt( fd, SOL_SOCKET, SO_PEERCRED, &cred, &len )) return 0;
    return cred.uid == geteuid() && (!pid || cred.pid == pid);
}

/* Wait until something can be read; returns whether it can. */
static int wait_readable( int fd, long timeout )
{
    long end = now_ms() + timeout;
    struct pollfd pfd = { fd, POLLIN, 0 };
    int ret;

    do
    {
        if ((timeout = end - now_ms()) < 0) timeout = 0;
        ret = poll( &pfd, 1, timeout );
    } while (ret < 0 && errno == EINTR);
    return ret > 0;
}

/* Open the file for the lock. The helper that ends removes it, so the one that is open may not be the one that others see. */
static int open_lock(void)
{
    struct stat opened, there;
    char path[64];
    int fd;

    prefix_path( path, sizeof(path), LOCK_FILE );
    for (;;)
    {
        if ((fd = open( path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600 )) < 0) return -1;
        if (!fstat( fd, &opened ) && !stat( path, &there ) && opened.st_dev == there.st_dev && opened.st_ino == there.st_ino) return fd;
        close( fd );
    }
}

/* Returns 0 when this process has the lock now, else the process that has it, -1 when that can't be told. */
static pid_t take_lock(void)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat opened, there;
    char path[64];

    if (lock_fd < 0 && (lock_fd = open_lock()) < 0) return -1;
    if (!fcntl( lock_fd, F_SETLK, &lock ))
    {
        prefix_path( path, sizeof(path), LOCK_FILE );
        if (!fstat( lock_fd, &opened ) && !stat( path, &there ) && opened.st_dev == there.st_dev && opened.st_ino == there.st_ino) return 0;
        close( lock_fd );
        lock_fd = -1;
        return take_lock();
    }
    if (fcntl( lock_fd, F_GETLK, &lock )) return -1;
    if (lock.l_type == F_UNLCK) return take_lock();
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

static int start_listening(void)
{
    struct sockaddr_un addr;
    socklen_t len = make_addr( &addr );

    /* who has the lock may replace what a killed helper left */
    unlink( addr.sun_path );
    if ((listener = socket( AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0 )) < 0) return 0;
    if (!bind( listener, (struct sockaddr *)&addr, len ) && !chmod( addr.sun_path, 0600 ) && !listen( listener, 16 )) return 1;
    close( listener );
    listener = -1;
    return 0;
}

/* Hand the stream on to the process that has the lock. */
static int offer_stream( const struct prefix_id *id, int stream, pid_t helper )
{
    union { struct cmsghdr header; char bytes[CMSG_SPACE( sizeof(int) )]; } control;
    struct offer offer, answer;
    struct iovec iov = { &offer, sizeof(offer) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
    struct sockaddr_un addr;
    socklen_t len = make_addr( &addr );
    int ret = 0, fd = socket( AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0 );

    if (fd < 0) return 0;
    make_offer( &offer, id );
    memset( &control, 0, sizeof(control) );
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN( sizeof(int) );
    memcpy( CMSG_DATA( &control.header ), &stream, sizeof(int) );
    if (!connect( fd, (struct sockaddr *)&addr, len ) && is_peer( fd, helper ) &&
        sendmsg( fd, &msg, MSG_NOSIGNAL ) == sizeof(offer) && wait_readable( fd, ANSWER_TIME ))
        ret = recv( fd, &answer, sizeof(answer), 0 ) == sizeof(answer) && !memcmp( &answer, &offer, sizeof(offer) ) &&
              send( fd, magic, 1, MSG_NOSIGNAL ) == 1;
    close( fd );
    return ret;
}

/* End the helper that neither took the stream nor ended. The kernel said that this process has the lock, which no other program takes. */
static void kill_helper( pid_t helper )
{
    int fd = syscall( SYS_pidfd_open, helper, 0 );

    if (take_lock() == helper && lock_fd >= 0)
    {
        fprintf( stderr, "portguard: the one of before (%d) does not answer, and is ended\n", (int)helper );
        if (fd < 0 || syscall( SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0 )) kill( helper, SIGKILL );
    }
    if (fd >= 0) close( fd );
}

enum handover handover_start( const struct prefix_id *id, int stream )
{
    pid_t helper, last = 0;
    long end = now_ms() + ANSWER_TIME + END_TIME, patience = 0;

    own_id = *id;
    while ((helper = take_lock()))
    {
        if (now_ms() >= end) return HANDOVER_FAILED;
        /* one that has just taken the lock does not listen yet */
        if (helper != last) patience = now_ms() + LISTEN_TIME;
        last = helper;
        if (helper > 0 && offer_stream( id, stream, helper )) return HANDOVER_DONE;
        if (helper > 0 && now_ms() >= patience)
        {
            kill_helper( helper );
            patience = end;
        }
        sleep_ms( 10 );
    }
    start_listening();  /* without that the next helper finds the lock, and ends this one */
    return HANDOVER_HELPER;
}

unsigned int handover_fds( struct pollfd *fds )
{
    unsigned int i, count = 0;

    if (listener >= 0) fds[count++].fd = listener;
    for (i = 0; i < candidate_count; i++) fds[count++].fd = candidates[i];
    for (i = 0; i < count; i++) fds[i].events = POLLIN;
    return count;
}

/* Read an offer. Returns the stream that came with it, or -1; *quit as for handover_check(). */
static int read_offer( int fd, int *quit )
{
    union { struct cmsghdr header; char bytes[CMSG_SPACE( sizeof(int) )]; } control;
    struct offer offer, own;
    struct iovec iov = { &offer, sizeof(offer) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
    ssize_t size = recvmsg( fd, &msg, MSG_CMSG_CLOEXEC );
    struct cmsghdr *header = size >= 0 ? CMSG_FIRSTHDR( &msg ) : NULL;
    int stream = -1;
    char done;

    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN( sizeof(int) ))
        memcpy( &stream, CMSG_DATA( header ), sizeof(stream) );
    if (size != sizeof(offer) || stream < 0 || memcmp( offer.magic, magic, sizeof(magic) )) goto failed;
    make_offer( &own, &own_id );
    if (memcmp( &offer, &own, sizeof(own) ))
    {
        /* of another version, or the wineserver is not the one that this process works for */
        *quit = 1;
        goto failed;
    }
    if (send( fd, &own, sizeof(own), MSG_NOSIGNAL ) != sizeof(own)) goto failed;
    if (wait_readable( fd, ANSWER_TIME ) && recv( fd, &done, 1, 0 ) == 1) return stream;
failed:
    if (stream >= 0) close( stream );
    return -1;
}

static int remove_candidate( unsigned int i )
{
    int fd = candidates[i];

    memmove( &candidates[i], &candidates[i + 1], (--candidate_count - i) * sizeof(candidates[0]) );
    return fd;
}

int handover_check( int *quit )
{
    int fd, stream = -1;
    unsigned int i;

    *quit = 0;
    while (listener >= 0 && (fd = accept4( listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK )) >= 0)
    {
        if (!is_peer( fd, 0 ))
        {
            close( fd );
            continue;
        }
        /* programs of this user that say nothing delay nobody, and give way to the next one */
        if (candidate_count == MAX_CANDIDATES) close( remove_candidate( 0 ) );
        candidates[candidate_count++] = fd;
    }
    for (i = 0; i < candidate_count && stream < 0 && !*quit; )
    {
        if (!wait_readable( candidates[i], 0 ))
        {
            i++;
            continue;
        }
        fd = remove_candidate( i );
        stream = read_offer( fd, quit );
        close( fd );
    }
    return stream;
}

void handover_end(void)
{
    char path[64];

    if (lock_fd < 0) return;
    if (listener >= 0)
    {
        prefix_path( path, sizeof(path), SOCKET_FILE );
        unlink( path );
    }
    prefix_path( path, sizeof(path), LOCK_FILE );
    unlink( path );
}
