//! An empty library, so that the package can be a dependency: `wasmaot` builds the program of this package
//! with options of its own, and needs its sources at hand wherever cargo has put them.
