/* consumer /path/to/liboctavo.so: opens the library, asks it something, and is told why another cannot be opened. */
#include <octavo/octavo_loader.h>

int main(int argc, char **argv) {
  octavo_loader o;
  if (argc != 2 || octavo_loader_open(&o, argv[1]) != 0) {
    printf("%s\n", argc == 2 ? o.error : "which library?");
    return 1;
  }
  if (strcmp(o.version_string(), OCTAVO_VERSION) != 0) return 2;
  octavo_loader_close(&o);
  return octavo_loader_open(&o, "/nowhere/liboctavo.so") == 0 || !o.error[0] ? 3 : 0;
}
