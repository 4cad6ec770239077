/*
 * What the server tells its administrator
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_LOG_H
#define PORTRES_SERVER_LOG_H

/* Write one line, with the time before it, to stderr and to portserver.log beside the program: a service has no stderr that
 * anybody sees. The file is kept below a megabyte; what was in it before is in portserver.log.old. */
extern void log_message( const char *format, ... ) __attribute__((format (printf, 1, 2)));

#endif /* PORTRES_SERVER_LOG_H */
