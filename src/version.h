/*
 * version: what --version says, the same for every program of the package.
 */
#ifndef GRACECTL_VERSION_H
#define GRACECTL_VERSION_H

#define GRACECTL_VERSION "0.1.0"

#endif
